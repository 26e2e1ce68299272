// Who is signed in: OpenID Connect, the code flow with PKCE.
//
// Tokens live in this module and nowhere else: a page that is loaded again asks the issuer again, which remembers the
// person and answers without a question. What has to survive the way there and back is in the session storage of the tab
// until the browser returns.

import * as oauth from "../vendor/oauth4webapi.js";

/** @typedef {{ name: string, roles: string[], accessToken: string, refreshToken: string | null, idToken: string | null, expiresAt: number }} Session */

const UNDER_WAY = "ado-lens.sign-in";
const OUT = "ado-lens.signed-out";
/** Renewed when this much of its life is left. */
const MARGIN_MS = 5 * 60_000;

/** @type {import("./types").Settings} */
let settings;
/** @type {Promise<oauth.AuthorizationServer> | null} */
let discovered = null;
/** @type {Session | null} */
let session = null;
/** @type {Promise<Session> | null} */
let renewal = null;
/** @type {() => void} */
let onLost = () => {};

export class SignInError extends Error {}

/** Reads where to sign in, and finishes a sign-in that is under way. */
export async function begin() {
  const response = await fetch("/config.json", { cache: "no-cache" });
  if (!response.ok) throw new SignInError("The console's settings are out of reach.");
  settings = await response.json();
  const here = new URL(location.href);
  if (here.searchParams.has("state") && sessionStorage.getItem(UNDER_WAY)) {
    return finish(here);
  }
  // Who signed out meant it; anybody else goes on to the issuer, which remembers whom it knows.
  if (!settings.client_id || sessionStorage.getItem(OUT)) return "signed-out";
  await signIn();
  return "leaving";
}

/** The person who is signed in. */
export function current() {
  return session;
}

/** Whether the person may do what this role may. @param {string} role */
export function may(role) {
  return session?.roles.includes(role) ?? false;
}

/** Where the API is. */
export function api() {
  return settings.api;
}

/** Whether an application was registered, so that anybody can sign in. */
export function isSetUp() {
  return Boolean(settings?.client_id);
}

/** Called when the session cannot be renewed. @param {() => void} listener */
export function whenLost(listener) {
  onLost = listener;
}

/** Leaves for the issuer. @param {Record<string, string>} [wishes] parameters of the request */
export async function signIn(wishes = {}) {
  const server = await discover();
  if (!server.authorization_endpoint) throw new SignInError("The token issuer has no page to sign in.");
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const back = location.pathname + location.search;
  sessionStorage.setItem(UNDER_WAY, JSON.stringify({ verifier, state, nonce, back }));
  const address = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: settings.client_id,
    redirect_uri: redirectAddress(),
    scope: settings.scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...wishes,
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Forgets the person, here and at the issuer. */
export async function signOut() {
  const server = await discover();
  const hint = session?.idToken;
  session = null;
  sessionStorage.setItem(OUT, "1");
  if (!server.end_session_endpoint) return location.assign("/");
  const address = new URL(server.end_session_endpoint);
  address.searchParams.set("post_logout_redirect_uri", redirectAddress());
  if (hint) address.searchParams.set("id_token_hint", hint);
  location.assign(address);
}

/** A token that is good for the next request. */
export async function accessToken() {
  if (!session) throw new SignInError("Nobody is signed in.");
  if (Date.now() < session.expiresAt - MARGIN_MS) return session.accessToken;
  renewal ??= renew(session).finally(() => {
    renewal = null;
  });
  try {
    return (await renewal).accessToken;
  } catch (error) {
    if (Date.now() < session.expiresAt) return session.accessToken;
    onLost();
    throw error;
  }
}

/** @param {URL} here */
async function finish(here) {
  const underWay = JSON.parse(sessionStorage.getItem(UNDER_WAY) ?? "{}");
  sessionStorage.removeItem(UNDER_WAY);
  history.replaceState(null, "", underWay.back ?? "/");
  const server = await discover();
  const client = { client_id: settings.client_id };
  let parameters;
  try {
    parameters = oauth.validateAuthResponse(server, client, here, underWay.state);
  } catch (error) {
    throw new SignInError("The sign-in did not end well. Try it again.", { cause: error });
  }
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirectAddress(),
    underWay.verifier,
    insecure(),
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: underWay.nonce,
    requireIdToken: true,
  });
  keep(tokens);
  sessionStorage.removeItem(OUT);
  return "signed-in";
}

/** @param {Session} old */
async function renew(old) {
  if (!old.refreshToken) throw new SignInError("The sign-in has expired.");
  const server = await discover();
  const client = { client_id: settings.client_id };
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), old.refreshToken, insecure());
  return keep(await oauth.processRefreshTokenResponse(server, client, response));
}

/** @param {oauth.TokenEndpointResponse} tokens */
function keep(tokens) {
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const roles = claims?.roles ?? payload(tokens.access_token).roles;
  session = {
    name: String(claims?.name ?? claims?.preferred_username ?? session?.name ?? "Signed in"),
    roles: Array.isArray(roles) ? roles.map(String) : (session?.roles ?? []),
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? session?.refreshToken ?? null,
    idToken: tokens.id_token ?? session?.idToken ?? null,
    expiresAt: Date.now() + (tokens.expires_in ?? 3600) * 1000,
  };
  return session;
}

/** The claims of a token of our own API, for what is shown; what is allowed is decided there. @param {string} token */
function payload(token) {
  try {
    const text = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
  } catch {
    return {};
  }
}

async function discover() {
  const issuer = new URL(settings.issuer);
  discovered ??= oauth
    .discoveryRequest(issuer, { algorithm: "oidc", ...insecure() })
    .then((response) => oauth.processDiscoveryResponse(issuer, response));
  try {
    return await discovered;
  } catch (error) {
    discovered = null;
    throw new SignInError("The token issuer does not answer.", { cause: error });
  }
}

function redirectAddress() {
  return `${location.origin}/`;
}

/** Plain HTTP is for the issuer of this machine. */
function insecure() {
  const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(new URL(settings.issuer).hostname);
  return { [oauth.allowInsecureRequests]: isLocal };
}

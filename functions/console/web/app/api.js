// The public API, and what is told when it refuses.

import { accessToken, api } from "./session.js";

/** A refusal, with the field that is wrong if there is one. */
export class ApiError extends Error {
  /** @param {import("./types").Problem} problem */
  constructor(problem) {
    super(sentence(problem.detail || problem.title));
    this.status = problem.status;
    this.type = problem.type;
    this.field = problem.field;
  }
}

/** @param {string} path @param {{ signal?: AbortSignal }} [options] */
export async function get(path, options = {}) {
  return (await request("GET", api() + path, options)).json();
}

/** @param {string} method @param {string} path @param {unknown} [body] */
export async function send(method, path, body) {
  const response = await request(method, api() + path, { body });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** An answer as it is. @param {string} path */
export async function text(path) {
  return (await request("GET", api() + path, {})).text();
}

/** Notes what a sign-in to Entra ID is for, and tells its page. @param {unknown} body @returns {Promise<string>} */
export async function beginEntraSignIn(body) {
  const { sign_in_url } = await (await request("POST", "/oauth/authorize", { body })).json();
  return sign_in_url;
}

/**
 * @param {string} method
 * @param {string} address
 * @param {{ body?: unknown, signal?: AbortSignal }} options
 */
async function request(method, address, { body, signal }) {
  /** @type {Record<string, string>} */
  const headers = { authorization: `Bearer ${await accessToken()}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(address, { method, headers, body: content, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(problem(0, "The service cannot be reached. Check your connection."));
  }
  if (!response.ok) throw new ApiError(await refusal(response));
  return response;
}

/** @param {Response} response @returns {Promise<import("./types").Problem>} */
async function refusal(response) {
  const kind = response.headers.get("content-type") ?? "";
  if (kind.startsWith("application/problem+json")) return response.json();
  // The gateway's own words are for nobody.
  if (response.status === 401) return problem(401, "The sign-in has expired. Sign in again.");
  if (response.status === 413) return problem(413, "That is too large.");
  return problem(response.status, "The service did not answer. Try again in a minute.");
}

/** @param {number} status @param {string} detail */
function problem(status, detail) {
  return { type: "about:blank", status, title: "no answer", detail };
}

/** @param {string} text */
function sentence(text) {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}

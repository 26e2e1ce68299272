// Connecting, as an administrator does it: what a credential cannot do is told before anything is saved, and what it can
// do shows as numbers while it comes in.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import { assertQuiet, connection, launch, signedIn, tokens } from "./session.js";

const form = (/** @type {string} */ method) => `/connections/new?source=azure-devops&method=${method}&step=form`;
const FORM = form("pat");
const MORE = "Description, tags, and reading only a part";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Fills the form in and has it looked at. @param {import("playwright-core").Page} page @param {{ organization?: string, token: string }} fields */
async function validate(page, { organization = "fabrikam", token }) {
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Second");
  await page.getByRole("textbox", { name: "Organizations" }).fill(organization);
  await page.getByRole("textbox", { name: "Personal access token" }).fill(token);
  await page.getByRole("button", { name: "Validate connection" }).click();
}

for (const [why, token, expected] of /** @type {[string, string, RegExp][]} */ ([
  ["that has expired", tokens.expired, /does not accept the token/],
  ["of another organization", tokens["of another organization"], /does not accept the token/],
  ["without the scope of Build", tokens["without Build"], /vso\.build/],
])) {
  test(`a token ${why} is told what is wrong with it`, async () => {
    const { page, complaints } = await signedIn(browser, { path: FORM });
    await validate(page, { token });
    await page.getByText("Not everything can be read").waitFor();
    assert.match((await page.locator(".matrix").textContent()) ?? "", expected);
    assert.ok(await page.getByRole("button", { name: "Connect", exact: true }).isDisabled());
    assertQuiet(complaints);
  });
}

test("an organization that cannot be is told at its field", async () => {
  const { page, complaints } = await signedIn(browser, { path: FORM });
  await validate(page, { organization: "not/a/name", token: tokens.good });
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Organizations" }).getAttribute("aria-invalid"), "true");
  assertQuiet(complaints, /400|422/);
});

test("a token that may read is connected from the tile on, and its numbers appear", async () => {
  const { page, complaints } = await signedIn(browser);
  await page.getByRole("link", { name: "Connect", exact: true }).click();
  await page.getByRole("button", { name: /Azure DevOps Services/ }).click();
  await page.getByRole("button", { name: /Personal access token/ }).click();
  await page.getByRole("cell", { name: "vso.build" }).waitFor();
  await page.getByRole("button", { name: "I have a personal access token" }).click();
  for (const service of [/^Repos/, /^TFVC/]) await page.getByRole("checkbox", { name: service }).uncheck();
  await validate(page, { token: tokens.good });
  await page.getByText("Everything that you chose can be read").waitFor();
  await page.getByText(/^To be read.* projects.* work items.* runs$/).waitFor();
  await page.getByText(MORE).click();
  await page.getByRole("textbox", { name: "Description" }).fill("What the second team does");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  const first = page.locator(".first-numbers");
  await first.waitFor();
  await page.waitForFunction(() => Number(document.querySelector(".first-numbers dd")?.textContent?.replaceAll(",", "")) > 100);
  const progress = page.getByRole("progressbar", { name: /Second - Boards/ });
  assert.equal(await progress.count(), 1);
  assert.equal(await page.getByRole("progressbar", { name: /Repos|TFVC/ }).count(), 0);
  await page.getByText("is connected, and everything is there").waitFor({ timeout: 180_000 });
  assert.doesNotMatch((await first.textContent()) ?? "", /Run count–/);
  await page.getByRole("link", { name: "Integrations", exact: true }).click();
  await page.getByText("What the second team does").waitFor();
  assertQuiet(complaints);
});

test("what is left out is counted before anything is saved", async () => {
  const { page, complaints } = await signedIn(browser, { path: FORM });
  await validate(page, { token: tokens.good });
  await page.getByText("Everything that you chose can be read").waitFor();
  assert.equal(await page.getByText(/By the patterns/).count(), 0);
  await page.getByText(MORE).click();
  await page.getByRole("group", { name: "Projects" }).getByRole("textbox", { name: "Not these" }).fill("?????????*");
  assert.ok(await page.getByRole("button", { name: "Connect", exact: true }).isDisabled(), "what was looked at is another selection");
  await page.getByRole("button", { name: "Validate connection" }).click();
  const [projects, repositories] = [/ projects? (is|are) read; left out: .+\./, / repositor(y|ies) (is|are) read; left out: .+\./];
  await page.getByText(projects).waitFor();
  await page.getByText(repositories).waitFor();
  assertQuiet(complaints);
});

test("each organization has a token of its own, which stays with it", async () => {
  const { page, complaints } = await signedIn(browser, { path: FORM });
  const places = page.getByRole("textbox", { name: "Organizations" });
  const token = (/** @type {string} */ name) => page.getByRole("textbox", { name: `Personal access token${name}`, exact: true });
  const look = page.getByRole("button", { name: "Validate connection" });
  await places.fill("fabrikam");
  await token("").fill(tokens.good);
  await places.fill("contoso, fabrikam");
  assert.equal(await token(" for fabrikam").inputValue(), tokens.good);
  assert.equal(await token(" for contoso").inputValue(), "");
  assert.ok(await look.isDisabled(), "a token is missing");
  assert.equal(await page.getByLabel("Expires on for contoso").count(), 1);
  await token(" for contoso").fill("too short");
  await look.click();
  await page.getByRole("alert").waitFor();
  assert.equal(await token(" for contoso").getAttribute("aria-invalid"), "true");
  await token(" for contoso").fill(tokens["of another organization"]);
  await look.click();
  await page.getByText("Not everything can be read").waitFor();
  const own = (/** @type {string} */ name) => page.locator(".matrix-organization", { has: page.getByRole("heading", { name }) });
  assert.match((await own("fabrikam").textContent()) ?? "", /To be read/);
  assert.doesNotMatch((await own("contoso").textContent()) ?? "", /To be read/);
  await places.fill("fabrikam");
  assert.equal(await token("").inputValue(), tokens.good);
  await page.getByLabel("Expires on", { exact: true }).fill(inDays(9));
  await look.click();
  await page.getByText(`ends on ${inDays(9)}`).waitFor();
  await page.getByText("Everything that you chose can be read").waitFor();
  assertQuiet(complaints, /status of 400/);
});

/** @param {number} days from today, as a field has it */
function inDays(days) {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

/** Fills in the form of a service principal. @param {import("playwright-core").Page} page @param {Record<string, string>} [changes] */
async function validateApplication(page, changes = {}) {
  const fields = {
    Name: "By application",
    Organizations: "fabrikam",
    "Directory (tenant) ID": tokens.directory,
    "Application (client) ID": tokens.application,
    "Client secret": tokens["client secret"],
    ...changes,
  };
  for (const [label, value] of Object.entries(fields)) await page.getByRole("textbox", { name: label, exact: true }).fill(value);
  await page.getByRole("checkbox", { name: /^(Pipelines)/ }).uncheck();
  await page.getByRole("button", { name: "Validate connection" }).click();
}

test("a service principal is connected", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/connections/new?source=azure-devops&method=service_principal" });
  await page.getByRole("button", { name: "I have a service principal" }).click();
  await validateApplication(page);
  await page.getByText("Everything that you chose can be read").waitFor();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("By application is connected").waitFor();
  assertQuiet(complaints);
});

test("what is wrong with a service principal is told at its field", async () => {
  const { page, complaints } = await signedIn(browser, { path: form("service_principal") });
  await validateApplication(page, { "Directory (tenant) ID": "contoso" });
  await page.getByRole("alert").waitFor();
  const directory = page.getByRole("textbox", { name: "Directory (tenant) ID" });
  assert.equal(await directory.getAttribute("aria-invalid"), "true");
  await validateApplication(page, { "Client secret": "another" });
  await page.getByText("The client secret is wrong.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Connect", exact: true }).isDisabled());
  assertQuiet(complaints, /status of 4\d\d/);
});

test("a certificate is read from its file, and one that Entra ID does not know is told how to be known", async () => {
  const { page, complaints } = await signedIn(browser, { path: form("service_principal") });
  await page.getByRole("textbox", { name: "Organizations" }).fill("fabrikam");
  await page.getByRole("textbox", { name: "Directory (tenant) ID" }).fill(tokens.directory);
  await page.getByRole("textbox", { name: "Application (client) ID" }).fill(tokens.application);
  await page.getByRole("button", { name: "Certificate", exact: true }).click();
  const file = page.getByLabel("Certificate and its key");
  const choose = (/** @type {string} */ text) => file.setInputFiles({ name: "own.pem", mimeType: "text/plain", buffer: Buffer.from(text) });
  await choose("no certificate");
  await page.getByRole("button", { name: "Validate connection" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await file.getAttribute("aria-invalid"), "true");
  await choose(certificate());
  await page.getByRole("button", { name: "Validate connection" }).click();
  await page.getByText(/Upload this certificate/).waitFor();
  assertQuiet(complaints, /status of 400/);
});

/** A key, and its public half in the place of a certificate, which is all that Entra ID goes by. */
function certificate() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const half = publicKey.export({ type: "pkcs1", format: "pem" }).toString().replaceAll("RSA PUBLIC KEY", "CERTIFICATE");
  return half + privateKey.export({ type: "pkcs8", format: "pem" });
}

test("a person connects by signing in", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/connections/new?source=azure-devops&method=oauth" });
  await page.getByRole("button", { name: "Go on to the sign-in" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("By sign-in");
  await page.getByRole("checkbox", { name: /^(Pipelines)/ }).uncheck();
  await page.getByText(MORE).click();
  await page.getByRole("textbox", { name: "Tags" }).fill("signed in");
  await page.getByRole("button", { name: "Sign in with Microsoft" }).click();
  await page.getByRole("button", { name: /^Accept as/ }).click();
  await page.getByRole("heading", { name: "Connected" }).waitFor();
  await page.getByRole("link", { name: "To the console" }).click();
  await page.getByRole("link", { name: "Integrations" }).click();
  await page.getByRole("link", { name: "By sign-in" }).click();
  await page.getByRole("list", { name: "Tags" }).getByText("signed in").waitFor();
  // The simulated Entra ID is another host, as the real one is.
  assertQuiet(complaints, /^request to 127\.0\.0\.1|favicon/);
});

test("a credential is replaced by one that works, and by somebody else's on request only", async () => {
  const { page, complaints } = await signedIn(browser, { path: `/connections/${connection}` });
  await page.getByRole("link", { name: "Reauthenticate" }).click();
  for (const method of ["Sign in with Microsoft", "Personal access token"]) {
    await page.getByRole("group", { name: "Method" }).getByRole("button", { name: method }).click();
  }
  const token = page.getByRole("textbox", { name: "Personal access token" });
  await token.fill(tokens.expired);
  await page.getByRole("button", { name: "Replace the credential" }).click();
  await page.getByRole("alert").waitFor();
  assert.match((await page.getByRole("alert").textContent()) ?? "", /expired/);
  await token.fill(tokens.good);
  await page.getByRole("button", { name: "Replace the credential" }).click();
  // It is not the one that the program connected with.
  await page.getByText("This is somebody else's").waitFor();
  await page.getByRole("button", { name: "Use it anyway" }).click();
  await page.getByRole("button", { name: "Synchronize now" }).waitFor();
  assert.ok(page.url().endsWith(`/connections/${connection}`));
  assertQuiet(complaints, /status of (422|409)/);
});

test("who may only look is not offered to connect", async () => {
  const { page, complaints } = await signedIn(browser, { path: FORM, role: "viewer" });
  await page.getByText("This needs an administrator").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Personal access token" }).count(), 0);
  assertQuiet(complaints);
});

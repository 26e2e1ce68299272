// The rest of a connection's life: it is paused and resumed, looked back at, and deleted with a receipt.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertQuiet, connection, launch, signedIn, tokens } from "./session.js";

const AT = `/connections/${connection}`;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("a connection is paused after its effect was told, and resumed", async () => {
  const { page, complaints } = await signedIn(browser, { path: AT });
  await page.getByRole("button", { name: "Pause", exact: true }).first().click();
  const dialog = page.getByRole("dialog", { name: /^Pause / });
  assert.match((await dialog.textContent()) ?? "", /Nothing is asked of Azure DevOps any more/);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.getByText("It is paused").count(), 0, "Escape changes nothing");
  await page.getByRole("button", { name: "Pause", exact: true }).first().click();
  await dialog.getByRole("button", { name: "Pause" }).click();
  await page.getByText("It is paused").waitFor();
  await page.locator(".integrations .state", { hasText: "Paused" }).nth(3).waitFor();
  assert.equal(await page.getByRole("button", { name: "Synchronize now" }).count(), 0);
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("button", { name: "Synchronize now" }).waitFor();
  assertQuiet(complaints);
});

test("one service is paused while the others go on, by keyboard alone", async () => {
  const { page, complaints } = await signedIn(browser, { path: AT });
  const row = page.locator(".integrations li", { hasText: "TFVC" });
  await row.getByRole("button", { name: /^Pause/ }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: /TFVC\?$/ });
  await dialog.getByRole("button", { name: "Pause" }).focus();
  await page.keyboard.press("Enter");
  await row.locator(".state", { hasText: "Paused" }).waitFor();
  assert.match((await row.textContent()) ?? "", /when it is resumed/);
  assert.equal(await page.locator(".integrations .state", { hasText: "Paused" }).count(), 1);
  await row.getByRole("button", { name: /^Resume/ }).click();
  await row.locator(".state", { hasText: "Paused" }).waitFor({ state: "detached" });
  assertQuiet(complaints);
});

test("the run log tells what each pass did", async () => {
  const { page, complaints } = await signedIn(browser, { path: AT });
  await page.getByRole("link", { name: "Run log" }).click();
  await page.getByRole("button", { name: "Pipelines" }).click();
  const builds = page.getByRole("row", { name: /Builds/ }).last();
  await builds.waitFor();
  const cells = await builds.getByRole("cell").allTextContents();
  assert.equal(cells[2], "Complete");
  assert.match(cells[3], /^[\d.]+ (s|min)$/);
  assert.ok(Number(cells[4]) > 0, `${cells}`);
  assert.match(cells[9], /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  assert.ok(page.url().includes("service=pipelines"));
  assertQuiet(complaints);
});

test("the audit log tells who changed what", async () => {
  const { page, complaints } = await signedIn(browser);
  await page.getByRole("link", { name: "Audit log" }).click();
  const newest = page.getByRole("row", { name: /Resumed/ }).first();
  await newest.waitFor();
  assert.match((await newest.textContent()) ?? "", /Local User.*fabrikam.*integration/);
  await page
    .getByRole("row", { name: /Created/ })
    .first()
    .waitFor();
  assertQuiet(complaints);
});

test("who may only look is shown what there is, and offered nothing", async () => {
  const { page, complaints } = await signedIn(browser, { path: AT, role: "viewer" });
  await page.getByRole("link", { name: "Run log" }).waitFor();
  for (const name of [/Pause/, /Resume/, /Synchronize/]) assert.equal(await page.getByRole("button", { name }).count(), 0);
  assert.equal(await page.getByRole("link", { name: /Delete|Edit|Audit log|Reauthenticate/ }).count(), 0);
  await page.goto(`${new URL(page.url()).origin}/audit`);
  await page.getByText("This needs an administrator").waitFor();
  assertQuiet(complaints);
});

/** Connects something that can be spared. @param {import("playwright-core").Page} page @returns {Promise<string>} its id */
async function another(page) {
  await page.goto(`${new URL(page.url()).origin}/connections/new?source=azure-devops&method=pat&step=form`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("To be deleted");
  await page.getByRole("textbox", { name: "Organizations" }).fill("fabrikam");
  for (const service of [/^Boards/, /^Pipelines/, /^Repos/]) await page.getByRole("checkbox", { name: service }).uncheck();
  await page.getByRole("textbox", { name: "Personal access token" }).fill(tokens.good);
  await page.getByRole("button", { name: "Validate connection" }).click();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("is connected, and everything is there").waitFor({ timeout: 180_000 });
  await page.getByRole("link", { name: "Integrations", exact: true }).click();
  await page.getByRole("link", { name: "To be deleted" }).click();
  await page.getByRole("heading", { level: 1, name: "To be deleted" }).waitFor();
  return new URL(page.url()).pathname;
}

test("a connection is deleted after its name was typed, and its receipt stays", async () => {
  const { page, complaints } = await signedIn(browser);
  const address = await another(page);
  await page.getByRole("link", { name: "Delete" }).click();
  await page.getByRole("row", { name: /^Changeset \d/ }).waitFor();
  const button = page.getByRole("button", { name: "Delete for good" });
  const name = page.getByRole("textbox", { name: "Name of the connection" });
  await name.fill("fabrikam");
  assert.ok(await button.isDisabled(), "another name is not enough");
  await name.fill("To be deleted");
  await button.click();
  await page.getByRole("heading", { level: 1, name: "To be deleted is deleted" }).waitFor({ timeout: 180_000 });
  const removed = await page.getByRole("row", { name: /^Changeset \d/ }).textContent();
  assert.match(removed ?? "", /[1-9]\d*$/);
  await page.getByRole("link", { name: "Your integrations" }).click();
  await page.getByRole("link", { name: "fabrikam", exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: "To be deleted" }).count(), 0);
  await page.goto(`${new URL(page.url()).origin}${address}/delete`);
  await page.getByText("Nothing of it is left").waitFor();
  await page.getByRole("link", { name: "Audit log" }).click();
  await page
    .getByRole("row", { name: /the product itself.*Deleted.*To be deleted/ })
    .first()
    .waitFor();
  assertQuiet(complaints);
});

test("a spot check shows one thing stored and in Azure DevOps", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/insights/work_items_created?days=90" });
  const link = await page.getByRole("link", { name: /Open/ }).first().getAttribute("href");
  const number = /\/_workitems\/edit\/(\d+)/.exec(link ?? "")?.[1] ?? "";
  await page.goto(`${new URL(page.url()).origin}${AT}`);
  await page.getByRole("link", { name: "Spot check" }).click();
  await page.getByRole("textbox", { name: "Number" }).fill(number);
  await page.getByRole("button", { name: "Look at both" }).click();
  await page.getByRole("heading", { level: 2, name: `Work item ${number}` }).waitFor();
  assert.match((await page.getByRole("status").textContent()) ?? "", /Equal/);
  const title = page.getByRole("row", { name: /^Title / });
  const cells = await title.getByRole("cell").allTextContents();
  assert.ok(cells[1].length > 2 && cells[1] === cells[2], `${cells}`);
  assert.ok(page.url().includes(`id=${number}`));
  // Nothing has this number.
  await page.getByRole("textbox", { name: "Number" }).fill("999999999");
  await page.getByRole("button", { name: "Look at both" }).click();
  await page.getByText("Nowhere", { exact: true }).waitFor();
  assertQuiet(complaints);
});

test("who looks is warned before a credential ends", async () => {
  const { page, complaints } = await signedIn(browser);
  await page.route(new RegExp(`/api/v1${AT}$`), async (route) => {
    const answer = await (await route.fetch()).json();
    const warning = { kind: "credential_expires", organization: "fabrikam", on: "2026-12-01", step: 7, detail: "Make a new one." };
    await route.fulfill({ json: { ...answer, warnings: [{ ...warning, days_left: 1 }] } });
  });
  await page.getByRole("link", { name: "fabrikam", exact: true }).click();
  const warning = page.locator(".notice", { hasText: "The credential for fabrikam ends in 1 day" });
  await warning.getByRole("link", { name: "Reauthenticate" }).click();
  await page.getByRole("heading", { level: 1, name: "Reauthenticate fabrikam" }).waitFor();
  assertQuiet(complaints);
});

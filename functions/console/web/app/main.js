// Where the console begins: who is signed in, then the page of the address.

import { Welcome } from "./pages/welcome.js";
import { follow } from "./router.js";
import { begin, whenLost } from "./session.js";
import { Shell } from "./shell.js";
import { applyTheme } from "./theme.js";
import { html, render } from "./view.js";

const root = /** @type {HTMLElement} */ (document.getElementById("console"));

applyTheme();
document.addEventListener("click", follow);
whenLost(() => render(html`<${Welcome} reason="The sign-in has expired." />`, root));

try {
  const state = await begin();
  if (state === "signed-in") render(html`<${Shell} />`, root);
  if (state === "signed-out") render(html`<${Welcome} />`, root);
} catch (error) {
  render(html`<${Welcome} reason=${/** @type {Error} */ (error).message} />`, root);
}

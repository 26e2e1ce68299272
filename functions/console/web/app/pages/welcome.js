// The page of somebody who is not signed in.

import { useTitle } from "../hooks.js";
import { isSetUp, signIn } from "../session.js";
import { Logo } from "../ui/logo.js";
import { Notice } from "../ui/parts.js";
import { html, useState } from "../view.js";

/** @param {{ reason?: string }} props */
export function Welcome({ reason }) {
  useTitle("Sign in");
  const [failure, setFailure] = useState(reason ?? "");
  const [busy, setBusy] = useState(false);
  const start = async () => {
    setBusy(true);
    try {
      await signIn();
    } catch (error) {
      setFailure(/** @type {Error} */ (error).message);
      setBusy(false);
    }
  };
  return html`
    <main class="welcome">
      <div class="welcome-box">
        <${Logo} />
        <h1>How is your engineering doing?</h1>
        <p class="muted">The last 90 days of your Azure DevOps organizations, kept in your own account: pipelines, delivery, reviews and boards.</p>
        ${failure && html`<${Notice} tone="warn" role="alert">${failure}<//>`}
        ${
          isSetUp()
            ? html`<button class="button primary wide" onClick=${start} disabled=${busy}>${busy ? "Signing in" : "Sign in"}</button>`
            : !failure &&
              html`<${Notice} tone="warn" title="Nobody can sign in yet">This deployment names no application to sign in with. Set the parameter ConsoleClientId of its stack.<//>`
        }
      </div>
    </main>`;
}

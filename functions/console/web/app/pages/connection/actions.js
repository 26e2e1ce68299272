// What can be done with a connection, and what each thing will do said before it is done.

import { send } from "../../api.js";
import { forget } from "../../insights.js";
import { Icon } from "../../ui/icons.js";
import { Dialog, Failed } from "../../ui/parts.js";
import { html, useState } from "../../view.js";

/** @typedef {import("../../types").Connection} Connection */
/** @typedef {import("../../types").Integration} Integration */

/** What is under way, what came of it, and how to begin. */
function useAttempt() {
  const [state, setState] = useState(
    /** @type {{ busy: boolean, said: string, error: Error | null }} */ ({ busy: false, said: "", error: null }),
  );
  /** @param {() => Promise<unknown>} work @param {string} said @returns {Promise<boolean>} whether it went well */
  const attempt = async (work, said) => {
    setState({ busy: true, said: "", error: null });
    try {
      await work();
      forget();
      setState({ busy: false, said, error: null });
      return true;
    } catch (error) {
      setState({ busy: false, said: "", error: /** @type {Error} */ (error) });
      return false;
    }
  };
  return { ...state, attempt };
}

/** @param {{ connection: Connection, reload: () => void }} props */
export function Actions({ connection, reload }) {
  const { busy, said, error, attempt } = useAttempt();
  const [isAsking, setAsking] = useState(false);
  const address = `/connections/${connection.id}`;
  const after = async (/** @type {Promise<boolean>} */ done) => {
    if (await done) reload();
  };
  const sync = () => after(attempt(() => send("POST", `${address}/sync`), "Looking at everything now."));
  const resume = () =>
    after(attempt(() => send("POST", `${address}/resume`), "It goes on where it stopped; what has become due is visited now."));
  const pause = async () => {
    setAsking(false);
    await after(attempt(() => send("POST", `${address}/pause`), "Nothing is asked for any more."));
  };
  const isPaused = connection.paused_at !== null;
  return html`
    <a class="button" href="${address}/edit">Edit</a>
    <a class="button" href="${address}/reauthenticate">Reauthenticate</a>
    ${
      isPaused
        ? html`<button class="button primary" onClick=${resume} disabled=${busy}><${Icon} name="sync" />Resume</button>`
        : html`
          <button class="button" onClick=${() => setAsking(true)} disabled=${busy}><${Icon} name="pause" />Pause</button>
          <button class="button" onClick=${sync} disabled=${busy}><${Icon} name="sync" />Synchronize now</button>`
    }
    <a class="button danger" href="${address}/delete">Delete</a>
    <span class="muted" role="status">${said}</span>
    <${PauseDialog} what=${connection.name} open=${isAsking} onClose=${() => setAsking(false)} onConfirm=${pause} />
    ${error && html`<${Failed} error=${error} title="That did not work" />`}`;
}

/** @param {{ integration: Integration, isWholePaused: boolean, reload: () => void }} props */
export function PauseIntegration({ integration, isWholePaused, reload }) {
  const { busy, said, error, attempt } = useAttempt();
  const [isAsking, setAsking] = useState(false);
  const change = async (/** @type {"pause" | "resume"} */ what) => {
    setAsking(false);
    const done = await attempt(() => send("POST", `/integrations/${integration.id}/${what}`), what === "pause" ? "Paused." : "Resumed.");
    if (done) reload();
  };
  const isPaused = integration.status === "paused";
  // A service cannot run while its connection rests.
  if (isPaused && isWholePaused) return null;
  return html`
    <span class="integration-actions">
      <span class="sr-only" role="status">${said}</span>
      ${
        isPaused
          ? html`<button class="button small" onClick=${() => change("resume")} disabled=${busy} aria-label="Resume ${integration.name}">Resume</button>`
          : html`<button class="button small" onClick=${() => setAsking(true)} disabled=${busy} aria-label="Pause ${integration.name}">Pause</button>`
      }
      <${PauseDialog} what=${integration.name} open=${isAsking} onClose=${() => setAsking(false)} onConfirm=${() => change("pause")} />
      ${error && html`<${Failed} error=${error} title="That did not work" />`}
    </span>`;
}

/** @param {{ what: string, open: boolean, onClose: () => void, onConfirm: () => void }} props */
function PauseDialog({ what, open, onClose, onConfirm }) {
  return html`
    <${Dialog} title="Pause ${what}?" open=${open} onClose=${onClose}>
      <ul class="effects">
        <li>Nothing is asked of Azure DevOps any more, from now on. What is being read stops before its next request.</li>
        <li>What is stored stays, and can be asked for. It is as current as it is now until you resume, and still expires when its time comes.</li>
        <li>Resuming goes on where it stopped, and fetches what has happened in between as far as Azure DevOps still has it.</li>
      </ul>
      <div class="buttons">
        <button class="button" onClick=${onClose}>Cancel</button>
        <button class="button primary" onClick=${onConfirm}>Pause</button>
      </div>
    <//>`;
}

// The parts that pages are put together from.

import { ago, local, utc } from "../format.js";
import { useNow } from "../hooks.js";
import { html, useEffect, useId, useRef, useState } from "../view.js";
import { Icon } from "./icons.js";

/** @param {{ title?: any, id?: string, actions?: any, children?: any, tone?: string, class?: string, foot?: any }} props */
export function Card({ title, id, actions, children, tone, class: kind = "", foot }) {
  const label = useId();
  return html`
    <section class="card ${kind}" id=${id} data-tone=${tone} aria-labelledby=${title ? label : undefined}>
      ${(title || actions) && html`<header class="card-head"><h2 id=${label}>${title}</h2>${actions && html`<div class="card-actions">${actions}</div>`}</header>`}
      <div class="card-body">${children}</div>
      ${foot && html`<footer class="card-foot">${foot}</footer>`}
    </section>`;
}

/** @param {{ title: any, lead?: any, actions?: any, children?: any, back?: { href: string, text: string } }} props */
export function Heading({ title, lead, actions, children, back }) {
  return html`
    <div class="heading">
      <div class="heading-text">
        ${back && html`<a class="heading-back" href=${back.href}>${back.text}</a>`}
        <h1 tabindex="-1">${title}</h1>
        ${lead && html`<p class="lead">${lead}</p>`}
      </div>
      ${actions && html`<div class="heading-actions">${actions}</div>`}
      ${children}
    </div>`;
}

/** @type {Record<string, [string, string]>} what a state looks like: tone and icon */
const STATES = {
  healthy: ["good", "check"],
  active: ["good", "check"],
  complete: ["good", "check"],
  readable: ["good", "check"],
  succeeded: ["good", "check"],
  syncing: ["busy", "sync"],
  on_demand: ["calm", "wait"],
  absent: ["calm", "wait"],
  paused: ["calm", "pause"],
  deleting: ["warn", "wait"],
  needs_attention: ["warn", "warn"],
  incomplete: ["warn", "warn"],
  unreachable: ["warn", "warn"],
  failing: ["bad", "bad"],
  failed: ["bad", "bad"],
  forbidden: ["bad", "bad"],
  reauthorization_needed: ["bad", "bad"],
};

/** A state in a word, with a colour and a sign that say the same. @param {{ state: string, text?: string }} props */
export function State({ state, text }) {
  const [tone, icon] = STATES[state] ?? ["calm", "info"];
  const words = text ?? state.replaceAll("_", " ");
  return html`<span class="state" data-tone=${tone}><${Icon} name=${icon} />${words.charAt(0).toUpperCase() + words.slice(1)}</span>`;
}

/** An instant: how long ago, with the viewer's time and UTC at hand. @param {{ at: string | null | undefined, none?: string, exact?: boolean }} props */
export function Time({ at, none = "never", exact = false }) {
  const now = useNow(15_000);
  if (!at) return html`<span class="muted">${none}</span>`;
  return html`<time datetime=${at} title="${local(at)} · ${utc(at)}">${exact ? local(at) : ago(at, now)}</time>`;
}

/** @param {{ lines?: number, height?: number }} props */
export function Skeleton({ lines = 3, height }) {
  if (height) return html`<div class="skeleton" style=${{ height: `${height}px` }} aria-hidden="true"></div>`;
  return html`<div class="skeleton-lines" aria-hidden="true">${Array.from({ length: lines }, (_, index) => html`<div class="skeleton" key=${index}></div>`)}</div>`;
}

/** @param {{ title: string, children?: any, action?: any, icon?: string }} props */
export function Empty({ title, children, action, icon = "info" }) {
  return html`<div class="empty"><${Icon} name=${icon} /><p class="empty-title">${title}</p>${children && html`<p class="muted">${children}</p>`}${action}</div>`;
}

/** What went wrong and what to do. @param {{ error: Error, retry?: () => void, title?: string }} props */
export function Failed({ error, retry, title = "This could not be loaded" }) {
  return html`
    <div class="notice" data-tone="bad" role="alert">
      <${Icon} name="bad" />
      <div><strong>${title}</strong><p>${error.message}</p>${retry && html`<button class="button small" onClick=${retry}>Try again</button>`}</div>
    </div>`;
}

/** @param {{ tone?: string, title?: any, children?: any, icon?: string, role?: string }} props */
export function Notice({ tone = "calm", title, children, icon, role }) {
  const sign = icon ?? /** @type {Record<string, string>} */ ({ good: "check", warn: "warn", bad: "bad" })[tone] ?? "info";
  return html`<div class="notice" data-tone=${tone} role=${role}><${Icon} name=${sign} /><div>${title && html`<strong>${title}</strong>`}${children}</div></div>`;
}

/**
 * An answer of the API in each of its states: on its way, failed, there, there but about to be replaced.
 * @template T
 * @param {{ loaded: import("../types").Loaded<T>, children: (value: T) => any, skeleton?: any, title?: string }} props
 */
export function Answer({ loaded, children, skeleton, title }) {
  if (loaded.value === null) {
    if (loaded.error) return html`<${Failed} error=${loaded.error} retry=${loaded.reload} title=${title} />`;
    return html`<div aria-busy="true"><span class="sr-only">Loading</span>${skeleton ?? html`<${Skeleton} />`}</div>`;
  }
  return html`
    <div class="answer" aria-busy=${loaded.isStale}>
      ${loaded.error && html`<${Failed} error=${loaded.error} retry=${loaded.reload} title="This could not be brought up to date" />`}
      ${children(loaded.value)}
    </div>`;
}

/** More about a thing, on demand. @param {{ label: string, children: any }} props */
export function Info({ label, children }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!open) return;
    const close = (/** @type {Event} */ event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !element.current?.contains(/** @type {Node} */ (event.target)))
        setOpen(false);
    };
    document.addEventListener("keydown", close);
    document.addEventListener("pointerdown", close);
    return () => {
      document.removeEventListener("keydown", close);
      document.removeEventListener("pointerdown", close);
    };
  }, [open]);
  return html`
    <span class="info" ref=${element}>
      <button class="icon-button" aria-label=${label} aria-expanded=${open} aria-controls=${id} onClick=${() => setOpen(!open)}><${Icon} name="info" /></button>
      ${open && html`<div class="info-panel" id=${id}>${children}</div>`}
    </span>`;
}

/** @param {{ title: string, open: boolean, onClose: () => void, children: any }} props */
export function Dialog({ title, open, onClose, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const label = useId();
  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return html`
    <dialog ref=${element} aria-labelledby=${label} onClose=${onClose}>
      <header class="card-head"><h2 id=${label}>${title}</h2><button class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${open && children}
    </dialog>`;
}

/** One of a few. @param {{ label: string, options: { value: string, text: string }[], value: string, onChange: (value: string) => void }} props */
export function Segments({ label, options, value, onChange }) {
  return html`
    <div class="segments" role="group" aria-label=${label}>
      ${options.map((option) => html`<button type="button" key=${option.value} aria-pressed=${option.value === value} onClick=${() => onChange(option.value)}>${option.text}</button>`)}
    </div>`;
}

/** @param {{ label: string, value: string, options: { value: string, text: string }[], onChange: (value: string) => void, isQuiet?: boolean }} props */
export function Select({ label, value, options, onChange, isQuiet = false }) {
  const id = useId();
  return html`
    <span class="select">
      <label for=${id} class=${isQuiet ? "sr-only" : "muted"}>${label}</label>
      <select id=${id} value=${value} onChange=${(/** @type {Event} */ event) => onChange(/** @type {HTMLSelectElement} */ (event.target).value)}>
        ${options.map((option) => html`<option key=${option.value} value=${option.value} selected=${option.value === value}>${option.text}</option>`)}
      </select>
    </span>`;
}

/** A table that scrolls by itself where it is too wide. @param {{ label: string, head: any[], children: any, class?: string }} props */
export function Table({ label, head, children, class: kind = "" }) {
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label=${label}>
      <table class="table ${kind}">
        <thead><tr>${head.map((cell, index) => (typeof cell === "object" ? html`<th key=${index} scope="col" class=${cell.class}>${cell.text}</th>` : html`<th key=${index} scope="col">${cell}</th>`))}</tr></thead>
        <tbody>${children}</tbody>
      </table>
    </div>`;
}

/** How far something is. @param {{ part: number, whole: number, label: string }} props */
export function Progress({ part, whole, label }) {
  const share = whole ? Math.min(1, part / whole) : 0;
  return html`<div class="progress" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax=${whole} aria-valuenow=${part} data-done=${share === 1}><span style=${{ width: `${share * 100}%` }}></span></div>`;
}

// What surrounds every page: where one can go, who one is, and the page itself.

import { find, PAGES } from "./pages.js";
import { go, useLocation } from "./router.js";
import { current, may, signIn, signOut } from "./session.js";
import { isDark, toggleTheme } from "./theme.js";
import { Icon } from "./ui/icons.js";
import { Logo } from "./ui/logo.js";
import { Empty, Failed, Heading } from "./ui/parts.js";
import { html, useEffect, useErrorBoundary, useRef, useState } from "./view.js";

export function Shell() {
  const { path } = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    // A new page is read from its heading on; the first one from the top.
    if (!first.current) main.current?.querySelector("h1")?.focus();
    first.current = false;
  }, [path]);
  return html`
    <div class="shell" data-open=${open}>
      <a class="skip" href="#content">Skip to the page</a>
      <header class="top">
        <button class="icon-button menu-button" aria-label="Menu" aria-expanded=${open} aria-controls="navigation" onClick=${() => setOpen(!open)}><${Icon} name=${open ? "close" : "menu"} /></button>
        <a href="/" class="top-logo" aria-label="ado-lens, overview"><${Logo} /></a>
      </header>
      <nav class="side" id="navigation" aria-label="Console" onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && setOpen(false)}>
        <a href="/" class="side-logo" aria-label="ado-lens, overview"><${Logo} /></a>
        ${["insights", "settings"].map(
          (group) => html`
          <div class="side-group" key=${group}>
            ${group === "settings" && html`<p class="side-title">Data</p>`}
            ${PAGES.filter((page) => page.group === group && (!page.role || may(page.role))).map(
              (page) => html`
              <a key=${page.path} href=${page.path + carried(path, page.group)} class="side-link" aria-current=${isAt(path, page.path) ? "page" : undefined}><${Icon} name=${page.icon} />${page.title}</a>`,
            )}
          </div>`,
        )}
        <${Person} />
      </nav>
      <div class="shade" onClick=${() => setOpen(false)}></div>
      <main id="content" ref=${main} tabindex="-1"><${Page} key=${path} path=${path} /></main>
    </div>`;
}

/** The range and the filters that pages share go along from one to the next. @param {string} path @param {string} group */
function carried(path, group) {
  if (group !== "insights" || path.startsWith("/connections")) return "";
  const query = new URLSearchParams(location.search);
  const kept = new URLSearchParams();
  for (const name of ["days", "from", "to", "project"]) for (const value of query.getAll(name)) kept.append(name, value);
  const text = kept.toString();
  return text ? `?${text}` : "";
}

/** @param {string} here @param {string} path */
function isAt(here, path) {
  return path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`);
}

/** @param {{ path: string }} props */
function Page({ path }) {
  const [error, reset] = useErrorBoundary((error) => console.error(error));
  if (error)
    return html`<${Failed} error=${new Error("This page has a fault of its own. Load it again; if it stays, report it.")} retry=${reset} title="The page stopped" />`;
  const found = find(path);
  if (found) return found;
  return html`
    <${Heading} title="There is no such page" />
    <${Empty} title="Nothing is at this address" action=${html`<button class="button" onClick=${() => go("/")}>To the overview</button>`}>It may have moved, or the address is mistyped.<//>`;
}

function Person() {
  const [, redraw] = useState(0);
  const person = current();
  const role = may("admin") ? "Administrator" : may("viewer") ? "Viewer" : "No role";
  return html`
    <div class="person">
      <${Icon} name="person" />
      <span class="person-text"><span class="person-name">${person?.name}</span><span class="muted">${role}</span></span>
      <button class="icon-button" aria-label=${isDark() ? "Light colours" : "Dark colours"} onClick=${() => {
        toggleTheme();
        redraw((n) => n + 1);
      }}><${Icon} name=${isDark() ? "sun" : "moon"} /></button>
      <details class="person-menu">
        <summary class="icon-button" aria-label="Account"><${Icon} name="right" /></summary>
        <div class="person-panel">
          <button class="plain" onClick=${() => signIn({ prompt: "select_account" })}>Another account</button>
          <button class="plain" onClick=${signOut}>Sign out</button>
        </div>
      </details>
    </div>`;
}

// The sign of the product.

import { html } from "../view.js";

export function Logo() {
  return html`
    <span class="logo">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <rect class="logo-ground" width="32" height="32" rx="8" />
        <circle class="logo-stroke" cx="14" cy="14" r="7" stroke-width="3" />
        <path class="logo-stroke" d="m19.500 19.500 6 6" stroke-width="3" />
        <path class="logo-stroke" d="M11 15.500v-2m3 2v-4m3 4v-3" stroke-width="1.600" />
      </svg>
      <span>ado-lens</span>
    </span>`;
}

// What htmx does not do: the slider beside the number of people, room on a phone, and how long the server took.
"use strict";

const people = document.getElementById("users");
const slider = document.getElementById("users-slider");

if (people && slider) {
  slider.hidden = false;
  slider.addEventListener("input", () => {
    people.value = slider.value;
    people.dispatchEvent(new Event("input", { bubbles: true }));
  });
  // The end moves out of the way once the hand is off, never under it.
  const follow = () => {
    const count = Number(people.value) || 1;
    slider.max = String(Math.max(100, 2 * count));
    slider.value = String(count);
  };
  slider.addEventListener("change", follow);
  people.addEventListener("change", follow);
}

// On a phone the first group and the answer share the screen; the other groups open at a touch.
if (window.matchMedia("(max-width: 48rem)").matches) {
  document.querySelectorAll("#question > .group").forEach((group, place) => { group.open = place === 0; });
}

// The address is that of the question whose answer stands there: one that came too late stands nowhere.
document.addEventListener("htmx:afterSettle", () => {
  const rest = document.querySelector("#rest[data-address]");
  if (rest && rest.dataset.address !== location.search) history.replaceState(history.state, "", rest.dataset.address);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const told = event.detail.xhr.getResponseHeader("Server-Timing") || "";
  const found = /dur=([\d.]+)/.exec(told);
  const place = document.getElementById("took");
  if (found && place) place.textContent = `answered in ${Math.round(Number(found[1]))} ms`;
});

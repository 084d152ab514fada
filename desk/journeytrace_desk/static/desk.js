// What the desk's pages do beside htmx: times in the viewer's zone, keys, copying. Without it they
// say UTC, and everything else works as well.
(() => {
  "use strict";

  const two = (number, width = 2) => String(number).padStart(width, "0");
  const month = new Intl.DateTimeFormat("en", { month: "short" });
  const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const forms = {
    moment: (at) => `${two(at.getDate())} ${month.format(at)} ${clock(at)}`,
    clock: (at) => `${clock(at)}.${two(at.getMilliseconds(), 3)}`,
    day: (at) => `${two(at.getDate())} ${month.format(at)} ${at.getFullYear()}`,
  };
  const zone = new Intl.DateTimeFormat("en", { timeZoneName: "short" })
    .formatToParts(new Date())
    .find((part) => part.type === "timeZoneName").value;

  function localise() {
    for (const time of document.querySelectorAll("time[data-form]")) {
      const text = forms[time.dataset.form](new Date(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
    for (const place of document.querySelectorAll(".zone")) place.textContent = zone;
    for (const button of document.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
  }

  function move(step) {
    const rows = [...document.querySelectorAll("a.row")];
    const now = rows.indexOf(document.activeElement?.closest("tr, li")?.querySelector("a.row"));
    const next = rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step];
    next?.focus();
    next?.closest("tr, li")?.scrollIntoView({ block: "nearest" });
  }

  function nextFailure() {
    const rows = [...document.querySelectorAll("tr.bad")];
    const now = rows.indexOf(document.activeElement?.closest("tr"));
    const next = rows[(now + 1) % rows.length];
    next?.querySelector("a.row").focus();
    next?.scrollIntoView({ block: "center" });
  }

  const keys = {
    "/": () => document.querySelector("header input[type=search]")?.focus(),
    "?": () => location.assign("/help"),
    j: () => move(1),
    k: () => move(-1),
    f: nextFailure,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  });

  // Nobody may be in front of the screen any more: what it showed goes, and with it what asks.
  function signedOut() {
    const address = new URLSearchParams({ to: location.pathname + location.search });
    const said = Object.assign(document.createElement("h1"), { textContent: "You are signed out" });
    const link = Object.assign(document.createElement("a"), {
      className: "enter", href: `/sign-in?${address}`, textContent: "Sign in",
    });
    const section = Object.assign(document.createElement("section"), { className: "failure" });
    section.setAttribute("role", "alert");
    section.append(said, link);
    document.querySelector("main").replaceChildren(section);
    document.title = "Signed out · journeytrace";
  }

  // A page that the browser has kept whole is asked for again, for its viewer may have changed.
  window.addEventListener("pagehide", (event) => {
    document.body.hidden = event.persisted;
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  document.addEventListener("htmx:after:swap", localise);
  document.addEventListener("htmx:after:request", (event) => {
    // What is wrong with a filter is told by a page of its own; a poll that fails is tried again.
    const { response, sourceElement, request } = event.detail.ctx;
    if (response.status === 401) signedOut();
    if (response.status >= 400 && sourceElement.matches("form")) location.assign(request.action);
  });
  localise();
})();

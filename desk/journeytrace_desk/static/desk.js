// What the desk's pages do beside htmx: times in the viewer's zone, keys, copying, new rows. Without
// it they say UTC and stand still, and everything else works as well.
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

  // What says it already stays untouched: this is called for every change of the page.
  const say = (place, text) => {
    if (place.textContent !== text) place.textContent = text;
  };

  function localise() {
    for (const time of document.querySelectorAll("time[data-form]")) {
      say(time, forms[time.dataset.form](new Date(time.dateTime)));
    }
    for (const place of document.querySelectorAll(".zone")) say(place, zone);
    const hidden = "button[data-copy][hidden], .then input[type=range][hidden]";
    for (const control of document.querySelectorAll(hidden)) {
      control.hidden = false;
      // What the browser gives a slider by itself is for an even number of steps.
      if (control.type === "range") control.value = moments(control).selectedIndex;
    }
  }

  function move(step) {
    const rows = [...document.querySelectorAll("a.row:not([hidden] *)")];
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

  // A list that is open. New sessions wait above its rows until somebody asks for them, or until its
  // head is out of sight: then they come in by themselves, and what is read stays where it is.
  const shown = () => [...document.querySelectorAll("#rows > tr")];
  let read = null;

  function hold() {
    const row = shown().find((one) => one.getBoundingClientRect().bottom > 0);
    read = row && { id: row.id, top: row.getBoundingClientRect().top };
  }

  function keepPlace() {
    const row = read && document.getElementById(read.id);
    const moved = row ? row.getBoundingClientRect().top - read.top : 0;
    read = null;
    if (moved) scrollBy(0, moved);
  }

  function admit() {
    document.getElementById("rows").prepend(...document.getElementById("fresh").rows);
    document.getElementById("news").replaceChildren();
  }

  function admitUnseen() {
    const first = shown()[0];
    if (!document.querySelector("#fresh > tr") || first.getBoundingClientRect().top > 0) return;
    hold();
    admit();
    keepPlace();
  }

  // An answer to another question than the page would ask now: a filter was chosen meanwhile, or rows
  // were let in.
  function isLate(action, live) {
    const asked = new URL(action, location.href).searchParams;
    const rows = asked.getAll("row").length;
    for (const name of ["row", "was"]) asked.delete(name);
    const now = new URL(live.getAttribute("hx-get"), location.href).searchParams;
    return String(asked) !== String(now) || rows !== shown().length;
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

  // The moments of a session on a slider; without it they are a list to choose from.
  const moments = (range) => range.closest("form").elements.as_of;

  document.addEventListener("input", (event) => {
    if (event.target.matches(".then input[type=range]")) moments(event.target).selectedIndex = event.target.value;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".then input[type=range]")) event.target.form.requestSubmit();
    if (event.target.matches(".then select")) event.target.form.querySelector("[type=range]").value = event.target.selectedIndex;
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

  document.addEventListener("click", (event) => {
    if (event.target.closest("#news a") && document.querySelector("#fresh > tr")) admit();
  });

  // A page that nobody sees asks for nothing, and for everything once it is seen again.
  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden && event.detail.ctx.sourceElement.id === "live") event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    const live = document.getElementById("live");
    if (live && !document.hidden) htmx.trigger(live, "every");
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { sourceElement, request, target } = event.detail.ctx;
    if (target.id !== "table") return;
    if (isLate(request.action, sourceElement)) event.preventDefault();
    else hold();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.target.id !== "table") return;
    keepPlace();
    admitUnseen();
  });
  // At once, so that nobody sees UTC for a moment.
  const whole = { childList: true, characterData: true, subtree: true };
  new MutationObserver(localise).observe(document.body, whole);
  document.addEventListener("htmx:after:request", (event) => {
    // What is wrong with a filter is told by a page of its own; a poll that fails is tried again.
    const { response, sourceElement, request } = event.detail.ctx;
    if (response.status === 401) signedOut();
    if (response.status >= 400 && sourceElement.matches("form")) location.assign(request.action);
  });
  localise();
})();

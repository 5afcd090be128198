// Small things that a page cannot say in HTML: the viewer's zone and numbers, dropped files, a lost connection.
"use strict";
(() => {
  const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const hour = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

  const localise = (root) => {
    for (const each of root.querySelectorAll("data[value]")) each.textContent = number.format(Number(each.value));
    for (const each of root.querySelectorAll("time[datetime]")) {
      const at = new Date(each.dateTime);
      if (Number.isNaN(at.valueOf())) continue;
      const isToday = at.toDateString() === new Date().toDateString();
      each.textContent = (isToday ? hour : day).format(at);
      each.title = full.format(at);
    }
    for (const table of root.querySelectorAll(".scroll table")) {
      const heads = [...table.querySelectorAll("thead th")].map((each) => each.textContent.trim());
      for (const row of table.tBodies[0]?.rows ?? []) for (const [n, cell] of [...row.cells].entries()) if (heads[n]) cell.dataset.label = heads[n];
    }
  };

  // A live part says when it was drawn: while the dispatcher is away, what is shown is told to be old.
  const banner = () => document.getElementById("lost");
  const lost = () => { const shown = banner(); if (shown && shown.hidden) shown.hidden = false; };
  const found = () => { const shown = banner(); if (shown && !shown.hidden) shown.hidden = true; };

  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 500) lost(); });
  document.addEventListener("htmx:sseError", lost);
  document.addEventListener("htmx:sseOpen", found);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const xhr = event.detail.xhr;
    if (xhr.status < 400) found();
    // Signed out meanwhile: the page of the way in is no part of this one.
    if (xhr.responseURL && new URL(xhr.responseURL).pathname.startsWith("/signin")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  // Before anything is painted: nobody sees a moment in another zone than theirs.
  document.addEventListener("htmx:afterSwap", () => localise(document));

  // What a script has drawn stays while what is around it changes, and so does what somebody has opened.
  if (window.Idiomorph) {
    const told = Idiomorph.defaults.callbacks;
    told.beforeNodeMorphed = (old) => !(old instanceof Element && old.hasAttribute("data-kept"));
    told.beforeAttributeUpdated = (name, node) => !(name === "open" && node.localName === "details");
  }

  // A live part asks at most once a second, for the last time after the last news, and not while nobody looks.
  let next = 0, waits = 0, missed = null;
  const soon = (ask) => {
    clearTimeout(waits);
    waits = setTimeout(() => { next = Date.now() + 1000; ask(true); }, Math.max(0, next - Date.now()));
  };
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, issueRequest } = event.detail;
    if (elt.id !== "live") return;
    event.preventDefault();
    if (document.hidden) missed = issueRequest; else soon(issueRequest);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) { soon(missed); missed = null; }
  });

  // A file that is dropped, or chosen, is handed in at once.
  const wire = () => {
    for (const zone of document.querySelectorAll("form[data-drop]")) {
      const input = zone.querySelector("input[type=file]");
      const send = () => { zone.setAttribute("aria-busy", "true"); zone.requestSubmit(); };
      input.addEventListener("change", () => { if (input.files.length) send(); });
      zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
      zone.addEventListener("dragleave", () => zone.classList.remove("over"));
      zone.addEventListener("drop", (event) => {
        event.preventDefault();
        zone.classList.remove("over");
        if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; send(); }
      });
    }
  };

  // What is chosen is sent at once; by keys, which pass one choice after the other, with Enter or on the way out.
  let keyed = null, chosen = null;
  const formOf = (event) => event.target.closest("form[data-send-on-change]");
  const send = () => { const form = chosen; keyed = chosen = null; form?.requestSubmit(); };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && chosen) { event.preventDefault(); send(); return; }
    keyed = event.key === "Enter" ? null : formOf(event);  // Enter on an open list is the choice itself
  });
  document.addEventListener("pointerdown", () => { keyed = null; });
  document.addEventListener("change", (event) => {
    const form = formOf(event);
    if (!form) return;
    chosen = form;
    if (keyed !== form) send();
  });
  document.addEventListener("focusout", (event) => { if (chosen && formOf(event) === chosen) send(); });
  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  const begin = () => { localise(document); wire(); };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
})();

"use strict";
(() => {
  const root = document.documentElement, body = document.body;
  root.classList.add("js");
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const box = document.getElementById("search"), told = document.getElementById("hits");

  const open = (node) => {
    for (let at = node; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const show = (node, where) => {
    open(node);
    all(".current").forEach((one) => one.classList.remove("current"));
    node.classList.add("current");
    node.scrollIntoView({ block: where || "start", behavior: calm || where ? "auto" : "smooth" });
  };

  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  all("button[data-class]").forEach((button) => {
    button.addEventListener("click", () => {
      const on = !pressed(button);
      all(`button[data-group="${button.dataset.group}"]`).forEach((other) => {
        if (button.dataset.group !== "hide" && other !== button) {
          press(other, false);
          body.classList.remove(other.dataset.class);
        }
      });
      press(button, on);
      body.classList.toggle(button.dataset.class, button.dataset.group === "hide" ? !on : on);
    });
  });
  const expand = (on) => all("main details").forEach((one) => { one.open = on; });
  const click = (id, act) => document.getElementById(id)?.addEventListener("click", act);
  click("expand", () => expand(true));
  click("collapse", () => expand(false));

  // search: marks with the highlight API where there is one, so that the page itself is never rewritten
  let found = [], at = -1, timer = 0;
  const rows = all("tr[data-row]");
  const find = () => {
    const wanted = box.value.trim().toLowerCase();
    if (rows.length) {
      let n = 0;
      rows.forEach((row) => { const fits = row.textContent.toLowerCase().includes(wanted); row.hidden = !fits; n += fits; });
      told.textContent = wanted ? `${n} found` : "";
      return;
    }
    found = [];
    at = -1;
    globalThis.CSS?.highlights?.delete("found");
    if (wanted.length < 2) { told.textContent = ""; return; }
    const ranges = [], steps = new Set();
    const walk = document.createTreeWalker(document.querySelector("main .stream"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode, text = node.data.toLowerCase();
      if (text.length !== node.data.length) continue;
      for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + wanted.length)) {
        const range = new Range();
        range.setStart(node, from);
        range.setEnd(node, from + wanted.length);
        ranges.push(range);
        steps.add(node);
        if (ranges.length >= 5000) break;
      }
      if (ranges.length >= 5000) break;
    }
    found = [...steps];
    if (ranges.length && globalThis.Highlight) CSS.highlights.set("found", new Highlight(...ranges));
    told.textContent = ranges.length ? `${ranges.length}${ranges.length >= 5000 ? "+" : ""} found` : "nothing";
    if (found.length) next(1);
  };
  const next = (by) => {
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    const node = found[at].parentElement;
    open(node);
    all(".current").forEach((one) => one.classList.remove("current"));
    node.closest(".step")?.classList.add("current");
    node.scrollIntoView({ block: "center" });
    told.textContent = `${at + 1} of ${found.length}`;
  };
  box?.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 160); });
  box?.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); next(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { box.value = ""; find(); box.blur(); }
  });
  click("next", () => next(1));
  click("before", () => next(-1));

  const steps = () => all("main .stream > .turn > .step").filter((one) => one.offsetParent !== null);
  const go = (by) => {
    const list = steps(), here = list.findIndex((one) => one.classList.contains("current"));
    const to = list[Math.min(list.length - 1, Math.max(0, here + by))];
    if (to) { show(to, "center"); to.querySelector("summary")?.focus({ preventScroll: true }); }
  };
  const keys = {
    "/": () => box.focus(), n: () => next(1), N: () => next(-1), j: () => go(1), k: () => go(-1),
    e: () => expand(true), c: () => expand(false),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (keys[event.key] && box) { event.preventDefault(); keys[event.key](); }
  });

  const follow = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) show(target);
  };
  addEventListener("hashchange", follow);
  follow();

  const links = new Map(all(".outline a[data-turn]").map((link) => [link.dataset.turn, link]));
  if (links.size && globalThis.IntersectionObserver) {
    const watch = new IntersectionObserver((entries) => entries.forEach((entry) => {
      const link = links.get(entry.target.id);
      if (!link || !entry.isIntersecting) return;
      links.forEach((other) => other.classList.remove("here"));
      link.classList.add("here");
      const list = link.closest(".outline"), box = list.getBoundingClientRect(), own = link.getBoundingClientRect();
      if (own.top < box.top || own.bottom > box.bottom) list.scrollTop += own.top - box.top - box.height / 2;
    }), { rootMargin: "-10% 0px -75% 0px" });
    all(".turn").forEach((turn) => watch.observe(turn));
  }
})();

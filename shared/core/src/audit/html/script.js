
"use strict";
// The page can be read without any of this: it filters, copies, and opens what is folded where it is asked for or printed.
(() => {
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const at = (id) => document.getElementById(id);

  // The clipboard may be closed to a page (no permission, no https); then the older way, which only needs the click.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      window.getSelection().selectAllChildren(code);
      const plain = (event) => {
        event.clipboardData.setData("text/plain", code.textContent);
        event.preventDefault();
      };
      document.addEventListener("copy", plain);
      try {
        return document.execCommand("copy");
      } catch {
        return false;
      } finally {
        document.removeEventListener("copy", plain);
      }
    }
  };
  const said = document.createElement("p");
  said.className = "sr";
  said.setAttribute("role", "status");
  document.body.append(said);
  let last;
  for (const command of all(".command")) {
    const code = command.querySelector("code");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    const title = command.closest(".finding").querySelector("h4").textContent;
    button.setAttribute("aria-label", `Copy the command: ${title}`);
    button.addEventListener("click", async () => {
      const copied = await copy(code);
      if (last) last.textContent = "Copy";
      last = button;
      // Where neither way is open, the command is selected, to be copied by hand.
      button.textContent = copied ? "Copied" : "Selected";
      said.textContent = copied ? "Copied." : "Selected: copy it with the keyboard or the menu.";
    });
    command.append(button);
  }

  const controls = at("controls");
  let showAll = () => {};
  if (controls) {
    const needle = at("needle");
    const shown = at("shown");
    const boxes = all("input[name=grade]", controls);
    const groups = all(".group[id]").map((group) => {
      const title = group.querySelector("summary").textContent;
      const text = (finding) => `${title} ${finding.textContent}`.toLowerCase();
      return { group, open: group.open, findings: all(".finding", group).map((finding) => ({ finding, text: text(finding) })) };
    });
    let sought = false;
    const filter = () => {
      const words = needle.value.toLowerCase().split(/\s+/).filter(Boolean);
      const grades = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      let visible = 0;
      let total = 0;
      for (const place of groups) {
        let here = 0;
        for (const { finding, text } of place.findings) {
          finding.hidden = !(grades.has(finding.dataset.grade) && words.every((word) => text.includes(word)));
          here += finding.hidden ? 0 : 1;
        }
        place.group.hidden = here === 0;
        // What a word finds is shown open; when the word is gone, every place is folded again as it was.
        if (words.length > 0 && !sought) place.open = place.group.open;
        if (words.length > 0) place.group.open = true;
        if (words.length === 0 && sought) place.group.open = place.open;
        visible += here;
        total += place.findings.length;
      }
      sought = words.length > 0;
      shown.textContent = visible === total ? "" : `${visible} of ${total} shown`;
      at("nothing").hidden = visible > 0;
    };
    const set = (words, grade) => {
      needle.value = words;
      for (const box of boxes) box.checked = !grade || box.value === grade;
      filter();
    };
    controls.hidden = false;
    controls.addEventListener("input", filter);
    controls.addEventListener("submit", (event) => event.preventDefault());
    controls.addEventListener("reset", (event) => {
      event.preventDefault();
      set("");
    });
    const fold = (open) => () => groups.forEach((place) => { place.group.open = open; });
    at("unfold").addEventListener("click", fold(true));
    at("fold").addEventListener("click", fold(false));
    for (const link of all("a[data-find], a[data-only]")) {
      link.addEventListener("click", () => set(link.dataset.find || "", link.dataset.only));
    }
    showAll = () => set("");
    // Firefox keeps what was typed over a reload.
    filter();
  }

  const reveal = () => {
    const target = location.hash.length > 1 && at(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (!folded) return;
    if (target.hidden || folded.hidden) showAll();
    if (!folded.open) folded.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  // A link to where one is already changes nothing, and the place may have been folded or filtered since.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  reveal();

  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = all("details:not([open])");
    for (const details of unfolded) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
  });
})();


"use strict";
// The page can be read without any of this: it filters, copies, and opens what is folded where it is asked for or printed.
(() => {
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

  for (const button of all(".copy")) {
    const code = button.parentElement.querySelector("code");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        // Where the browser forbids it, the command is selected, to be copied by hand.
        window.getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
  }

  const controls = document.getElementById("controls");
  if (controls) {
    const needle = document.getElementById("needle");
    const shown = document.getElementById("shown");
    const groups = all(".group").map((group) => {
      const title = group.querySelector("summary").textContent;
      const text = (finding) => `${title} ${finding.textContent}`.toLowerCase();
      return { group, findings: all(".finding", group).map((finding) => ({ finding, text: text(finding) })) };
    });
    const filter = () => {
      const words = needle.value.toLowerCase().split(/\s+/).filter(Boolean);
      const grades = new Set(all("input[name=grade]:checked", controls).map((box) => box.value));
      let visible = 0;
      let total = 0;
      for (const { group, findings } of groups) {
        let here = 0;
        for (const { finding, text } of findings) {
          finding.hidden = !(grades.has(finding.dataset.grade) && words.every((word) => text.includes(word)));
          here += finding.hidden ? 0 : 1;
        }
        group.hidden = here === 0;
        visible += here;
        total += findings.length;
      }
      shown.textContent = visible === total ? "" : `${visible} of ${total} shown`;
    };
    controls.hidden = false;
    controls.addEventListener("input", filter);
    controls.addEventListener("submit", (event) => event.preventDefault());
  }

  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (folded && !folded.open) {
      folded.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", reveal);
  reveal();
  window.addEventListener("beforeprint", () => all("details").forEach((details) => { details.open = true; }));
})();

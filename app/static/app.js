// Reading charts by mouse, touch or arrow keys, and pages with a running walk that renew themselves. Nothing else.
"use strict";

for (const figure of document.querySelectorAll("[data-chart]")) {
  const rows = [...figure.querySelectorAll("tbody tr")];
  const heads = [...figure.querySelectorAll("thead th")].map((head) => head.textContent);
  const reading = figure.querySelector("[data-reading]");
  let at = rows.length;

  const sentence = (row) => {
    const cells = [...row.cells].map((cell) => cell.textContent.trim());
    if ("bare" in figure.dataset) return cells.filter(Boolean).join(" · ");
    if ("plain" in figure.dataset) return cells.map((text, index) => (index ? `${heads[index]} ${text}` : text)).join(" · ");
    const [first, mean, count, ...rest] = cells;
    const stars = rest.slice(0, 5).map((value, index) => `${index + 1} ★ ${value}`).join(", ");
    const note = rest[5] ? ` · ${rest[5]}` : "";
    return `${first} · ${heads[1]} ${mean} · ${heads[2]} ${count} (${stars})${note}`;
  };

  const show = (index) => {
    at = Math.min(Math.max(index, 0), rows.length - 1);
    reading.textContent = sentence(rows[at]);
    for (const svg of figure.querySelectorAll(".wide svg, .narrow svg")) {
      if ("cells" in svg.dataset) {
        svg.querySelectorAll("rect").forEach((cell, index) => cell.classList.toggle("at", index === at));
        continue;
      }
      const { width } = svg.viewBox.baseVal;
      const left = Number(svg.dataset.left);
      const x = left + ((at + 0.5) / rows.length) * (width - left - Number(svg.dataset.right));
      const cross = svg.querySelector(".cross");
      cross.setAttribute("transform", `translate(${x} 0)`);
      cross.setAttribute("visibility", "visible");
    }
  };

  const open = () => rows[at]?.querySelector("td a")?.click();

  for (const plot of figure.querySelectorAll(".wide, .narrow")) {
    const svg = plot.querySelector("svg");
    const index = (event) => {
      if ("cells" in svg.dataset) {
        const cell = [...svg.querySelectorAll("rect")].indexOf(event.target.closest("rect"));
        return cell < 0 ? at : cell;
      }
      const box = svg.getBoundingClientRect();
      const left = Number(svg.dataset.left), right = Number(svg.dataset.right);
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      return Math.floor(((x - left) / (svg.viewBox.baseVal.width - left - right)) * rows.length);
    };
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", svg.getAttribute("aria-label") ?? svg.querySelector("title").textContent);
    plot.addEventListener("pointermove", (event) => show(index(event)));
    plot.addEventListener("click", (event) => { show(index(event)); if (event.pointerType !== "touch") open(); });
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -rows.length, End: rows.length }[event.key];
      if (step) { event.preventDefault(); show(at + step); }
      if (event.key === "Enter") open();
    });
  }
}

const live = document.querySelector("[data-refresh]");
if (live) {
  setTimeout(() => { if (!document.querySelector("details[open]")) ("once" in live.dataset ? location.replace(location.pathname) : location.reload()); }, Number(live.dataset.refresh) * 1000);
}

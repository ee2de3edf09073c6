// What is drawn in a colour too close to what it is drawn on: 3 to 1 (WCAG 2.2, 1.4.11, AA). The track behind a bar only decorates.
(() => {
  const luminance = (text) => {
    const [x, y, z] = text.match(/[\d.]+/g).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const bad = [];
  let seen = 0;
  for (const mark of document.querySelectorAll("svg rect:not(.track), .swatch")) {
    const style = getComputedStyle(mark);
    const colour = mark.matches(".swatch") ? style.backgroundColor : mark.matches(".over") ? style.stroke : style.fill;
    const found = ratio(colour, getComputedStyle(mark.closest("section")).backgroundColor);
    seen += 1;
    if (found < 3) bad.push(`${found.toFixed(2)}: ${mark.getAttribute("class")}`);
  }
  return { seen, bad };
})()

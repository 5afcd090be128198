// Rows over time, stacked as bars: those that are in, and those that are not. Drawn anew every five seconds.
"use strict";
(() => {
  const IN = ["created", "updated", "unchanged", "deleted", "handed_over"];
  const sum = (rows, words) => words.reduce((total, word) => total + Math.max(0, rows[word] ?? 0), 0);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const begin = async (place) => {
    let chart = null;
    const look = async () => {
      const answer = await fetch(place.dataset.chart, { headers: { Accept: "application/json" } }).catch(() => null);
      if (!answer || !answer.ok) return;
      const { items } = await answer.json();
      place.closest("section").hidden = items.length < 2;
      if (items.length < 2) return;
      const told = [items.map((each) => Date.parse(each.at) / 1000), items.map((each) => sum(each.rows, IN) + Math.max(0, each.rows.failed ?? 0)), items.map((each) => Math.max(0, each.rows.failed ?? 0))];
      if (chart) { chart.setData(told); return; }
      const bars = uPlot.paths.bars({ size: [0.8, 40] });
      const axis = { stroke: colour("--pico-muted-color"), grid: { stroke: colour("--pico-muted-border-color"), width: 1 } };
      const series = (label, name) => ({ label, fill: colour(name), stroke: colour(name), width: 0, paths: bars, points: { show: false } });
      chart = new uPlot({
        width: place.clientWidth, height: 180, legend: { show: false }, cursor: { show: false },
        series: [{}, series("in", "--good"), series("failed", "--bad")], axes: [axis, axis],
        scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.05)] } },
      }, told, place);
      new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 180 })).observe(place);
    };
    await look();
    setInterval(look, 5000);
  };

  for (const place of document.querySelectorAll("[data-chart]")) begin(place);
})();

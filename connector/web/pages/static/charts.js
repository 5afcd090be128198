// Rows over time as bars, and how long queues were as lines. Drawn anew as the page changes, at most every five seconds.
"use strict";
(() => {
  const EVERY_MS = 5000, HIGH = 190, MOST_BARS = 180, MOST_LINES = 5;
  const IN = ["created", "updated", "unchanged", "deleted", "handed_over"];
  const COLOURS = ["--go", "--wait", "--unsure", "--changed", "--same"];
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 2 });
  const full = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
  const clock = (seconds) => new Intl.DateTimeFormat(undefined, { timeStyle: seconds ? "medium" : "short" });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const sum = (rows, words) => words.reduce((total, word) => total + Math.max(0, rows[word] ?? 0), 0);
  const at = (item) => Date.parse(item.at) / 1000;

  // Rows a second that are in, with those that failed painted over their foot.
  const rows = {
    data: ({ items, bucket_seconds: long }) => {
      const failed = items.map((each) => Math.max(0, each.rows.failed ?? 0) / long);
      return [items.map(at), items.map((each, n) => sum(each.rows, IN) / long + failed[n]), failed];
    },
    series: (_, text) => [[text.in, "--good"], [text.failed, "--bad"]].map(([label, name]) => ({
      label, fill: colour(name), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.85, 48], align: 1 }),
    })),
    said: (told, n, text) => `${full.format(told[1][n] - told[2][n])} ${text.in}, ${full.format(told[2][n])} ${text.failed}`,
  };

  // For how many minutes the oldest job of each queue had waited; a minute of which nothing is told had none.
  const age = {
    data: ({ items, bucket_seconds: long }) => {
      const names = [...new Set(items.map((each) => each.endpoint))].slice(0, MOST_LINES);
      const known = new Map(items.map((each) => [`${each.endpoint} ${at(each)}`, each.oldest_seconds / 60]));
      const first = Math.min(...items.map(at)), steps = Math.floor((Date.now() / 1000 - first) / long) + 1;
      const moments = Array.from({ length: Math.max(1, steps) }, (_, n) => first + n * long);
      const lines = names.map((name) => moments.map((moment) => known.get(`${name} ${moment}`) ?? 0));
      return Object.assign([moments, ...lines], { names });
    },
    series: ({ names }) => names.map((label, n) => ({ label, stroke: colour(COLOURS[n]), width: 2, points: { show: false } })),
    said: (told, n, text) => told.names.map((name, line) => `${name} ${full.format(told[line + 1][n])} ${text.minutes}`).join(", "),
  };

  const plot = (place, kind, told, long, span) => {
    const text = place.dataset, moment = clock(long < 60), said = place.parentElement.querySelector("[data-said]");
    const axis = { stroke: colour("--pico-muted-color"), grid: { stroke: colour("--pico-muted-border-color"), width: 1 }, ticks: { show: false } };
    return new uPlot({
      width: place.clientWidth, height: HIGH, padding: [12, long < 60 ? 44 : 28, 0, 0], legend: { show: false },
      cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
      scales: { x: { range: () => [span.from, span.to] }, y: { range: (_, low, high) => [0, Math.max(1, (high || 0) * 1.1)] } },
      series: [{}, ...kind.series(told, text)],
      axes: [
        { ...axis, space: 90, size: 30, values: (_, splits) => splits.map((each) => moment.format(each * 1000)) },
        { ...axis, size: (_, values) => 18 + 7 * Math.max(1, ...(values ?? []).map((each) => each.length)), values: (_, splits) => splits.map((each) => compact.format(each)) },
      ],
      hooks: { setCursor: [(chart) => {
        const n = chart.cursor.idx;
        if (said) said.textContent = n == null ? "" : `${moment.format(chart.data[0][n] * 1000)}: ${kind.said(chart.data, n, text)}`;
      }] },
    }, told, place);
  };

  const begin = (place) => {
    const kind = { rows, age }[place.dataset.kind], address = new URL(place.dataset.chart, location.href), span = {};
    let chart = null, busy = false, next = 0, waits = 0;
    const draw = (answer) => {
      const { items, bucket_seconds: long } = answer, hours = Number(address.searchParams.get("hours") ?? 0);
      place.closest("section").hidden = !items.length;
      if (!items.length) return;
      const told = kind.data(answer), last = told[0].at(-1) + long;
      span.to = hours ? Math.max(last, Date.now() / 1000) : Math.max(last, told[0][0] + 12 * long);
      span.from = hours ? Math.max(span.to - hours * 3600, Math.min(told[0][0], span.to - 900)) : told[0][0];
      if (chart && chart.series.length === told.length) { chart.setData(told); return; }
      chart?.destroy();
      chart = plot(place, kind, told, long, span);
    };
    const ask = async () => {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      return answer.ok ? answer.json() : null;
    };
    const look = async () => {
      if (busy || document.hidden) return;
      busy = true; next = Date.now() + EVERY_MS;
      const told = await ask().catch(() => null);  // the dispatcher is away: the next look may find it
      busy = false;
      if (!told) return;
      draw(told);
      if (!address.searchParams.has("hours") && told.items.length > MOST_BARS) address.searchParams.set("bucket_seconds", 2 * told.bucket_seconds);
      place.dataset.drawn = told.items.length;
    };
    const soon = () => { clearTimeout(waits); waits = setTimeout(look, Math.max(0, next - Date.now())); };
    new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: HIGH })).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { chart?.destroy(); chart = null; soon(); });
    document.addEventListener("htmx:afterSwap", soon);
    look();
  };

  for (const place of document.querySelectorAll("[data-chart]")) begin(place);
})();

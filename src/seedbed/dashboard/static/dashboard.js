// Draws the charts in the data-chart attributes of a page. Every number also stands in a table below its chart.
(() => {
  "use strict";

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const whole = new Intl.NumberFormat("en-US");
  const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
  const minus = (text) => text.replace("-", "\u2212");
  const written = (value, unit) => minus(unit === "money" ? cents.format(value / 100) : whole.format(value));
  const brief = (value, unit) => minus(compact.format(unit === "money" ? value / 100 : value));
  const shortened = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

  const pen = document.createElement("canvas").getContext("2d");

  // The width of a label in pixels.
  function length(text) {
    pen.font = `12px ${css("--face")}`;
    return pen.measureText(text).width;
  }

  // As much of a label as fits into so many pixels.
  function fitted(text, most) {
    let found = text;
    for (let end = text.length; end > 1 && length(found) > most; end -= 1) found = shortened(text, end);
    return found;
  }

  // A label on one line, or on two if it is too long and can be broken at the end of a word.
  function lines(text, most) {
    if (length(text) <= most) return text;
    const ends = [...text.matchAll(/(?<=[a-z0-9])(?=[A-Z])|(?<=[ _-])/g)].map((found) => found.index);
    const end = ends.filter((place) => length(text.slice(0, place)) <= most).pop();
    return end ? `${text.slice(0, end)}\n${fitted(text.slice(end), most)}` : fitted(text, most);
  }

  const words = () => ({ color: css("--ink"), fontFamily: css("--face"), fontSize: 12 });
  const tone = (number) => css(`--tone-${number % 7}`);

  // Rich text reads {name|…} as a style. A word joiner keeps an account of such a name as it is.
  const plainly = (text) => text.replaceAll("{", "{\u2060");

  function tooltip(trigger, text) {
    return {
      trigger, renderMode: "richText", confine: true, formatter: (points) => plainly(text(points)), axisPointer: { type: "shadow" },
      backgroundColor: css("--paper"), borderColor: css("--line"), padding: 8, textStyle: words(),
    };
  }

  // Whether the names of categories must be slanted, because not even shortened names fit. An axis of days leaves some
  // days out instead.
  function isCrowded(chart, width) {
    const longest = Math.max(...chart.categories.map(length));
    return !areDays(chart) && room(chart, width) < Math.min(longest, 95);
  }

  // The width in pixels that each category has for its name.
  function room(chart, width) {
    return (width - 60) / chart.categories.length - 10;
  }

  // Bars are drawn from left to right if not even slanted names fit.
  function isSideways(chart, width) {
    return chart.shape === "rows" || (chart.shape === "bars" && !areDays(chart) && width / chart.categories.length < 18);
  }

  function areDays(chart) {
    return chart.categories.every((name) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(name));
  }

  function overCategories(chart, narrow, width) {
    const sideways = isSideways(chart, width);
    const line = chart.shape === "line";
    const soft = { ...words(), color: css("--soft") };
    const crowded = !sideways && isCrowded(chart, width);
    const longest = sideways ? (narrow ? 22 : 44) : crowded ? (narrow ? 14 : 26) : 0;
    // Marks a point of the first line at which the second line has another value.
    const marked = (one, place, value, at) => line && place === 0 && chart.series[1] && chart.series[1].values[at] !== value
      ? { value, symbol: "circle", symbolSize: 9, itemStyle: { color: tone(1) } }
      : value;
    const names = {
      type: "category", data: chart.categories, inverse: sideways, boundaryGap: !line,
      axisTick: { show: false }, axisLine: { lineStyle: { color: css("--line") } },
      axisLabel: {
        ...soft, lineHeight: 15, margin: sideways ? 8 : 12, hideOverlap: areDays(chart),
        formatter: (name) => (areDays(chart) ? name : longest ? shortened(name, longest) : lines(name, room(chart, width))),
        rotate: crowded ? 40 : 0, interval: areDays(chart) && !sideways ? "auto" : 0,
      },
    };
    const values = {
      type: chart.logarithmic ? "log" : "value", min: chart.logarithmic ? 0.5 : undefined, startValue: chart.logarithmic ? 0.5 : undefined,
      minInterval: chart.unit === "count" ? 1 : undefined, scale: line, splitNumber: 4,
      splitLine: { lineStyle: { color: css("--line") } },
      axisLabel: { ...soft, formatter: (value) => (chart.logarithmic && value < 1 ? "" : brief(value, chart.unit)) },
    };
    const series = chart.series.map((one, place) => ({
      type: line ? "line" : "bar", name: one.name, stack: line || chart.logarithmic ? undefined : "all",
      data: one.values.map((value, at) => (chart.logarithmic && !value ? null : marked(one, place, value, at))),
      color: tone(one.tone), barMaxWidth: sideways ? 20 : 44, barCategoryGap: "28%", barGap: "-100%",
      symbol: "none", showAllSymbol: true, lineStyle: { width: place ? 1.5 : 2.5, type: place ? [4, 4] : "solid" },
      emphasis: { disabled: true },
    }));
    const legendWidth = chart.series.reduce((sum, one) => sum + one.name.length * 7 + 36, 0);
    // A single series has a legend only if the title does not name it.
    const named = series.length > 1 || series.some((one) => !chart.title.startsWith(one.name));
    const legendLines = named ? Math.ceil(legendWidth / width) : 0;
    return {
      grid: { left: 8, right: narrow ? 34 : 20, top: 14 + 22 * legendLines, bottom: 8, containLabel: true },
      legend: named
        ? { top: 0, left: 4, icon: "roundRect", itemWidth: 12, itemHeight: 12, textStyle: words(), selectedMode: false, formatter: (name) => shortened(name, narrow ? 36 : 60) }
        : undefined,
      xAxis: sideways ? values : names,
      yAxis: sideways ? names : values,
      tooltip: tooltip("axis", (points) => {
        const lines = points.filter((point) => point.value || line)
          .map((point) => `${point.seriesName}: ${written(point.value, chart.unit)}`);
        return [points[0].axisValueLabel || points[0].name, ...(lines.length ? lines : ["0"])].join("\n");
      }),
      series,
    };
  }

  function flow(chart, narrow, width) {
    const labels = new Map(chart.nodes.map((node) => [node.name, node.label]));
    const last = Math.max(...chart.nodes.map((node) => node.column));
    const room = narrow ? 104 : Math.min(330, width * (last > 1 ? 0.21 : 0.27));
    const between = (width - 2 * room) / last - 24;
    const label = (node) => (narrow ? node.label.split(" · ")[0] : node.label);
    return {
      tooltip: tooltip("item", (point) => point.dataType === "edge"
        ? `${labels.get(point.data.source)} → ${labels.get(point.data.target)}\n${written(point.data.value, chart.unit)}`
        : `${labels.get(point.name)}\n${written(point.value, chart.unit)}`),
      series: [{
        type: "sankey", left: room, right: room, top: narrow && last > 1 ? 26 : 10, bottom: 14, nodeWidth: 12, nodeGap: 15,
        layoutIterations: 32, draggable: false, emphasis: { focus: "adjacency" },
        label: { ...words(), textBorderWidth: 0, overflow: "truncate" },
        lineStyle: { color: tone(2), opacity: 0.5, curveness: 0.5 },
        data: chart.nodes.map((node) => ({
          name: node.name, depth: node.column, itemStyle: { color: tone(node.tone), borderWidth: 0 },
          label: {
            position: node.column === 0 ? "left" : narrow && node.column !== last ? "top" : "right",
            formatter: () => label(node),
            width: node.column % last || narrow ? Math.max(between, 90) : room - 14,
            fontWeight: node.column === last ? 600 : 400,
          },
        })),
        links: chart.links.map((link) => ({
          ...link, lineStyle: link.strong ? { color: tone(1), opacity: 0.5 } : undefined,
        })),
      }],
    };
  }

  function network(chart, narrow) {
    const most = Math.max(...chart.links.map((link) => link.value));
    const total = new Map(chart.nodes.map((node) => [node.name, 0]));
    chart.links.forEach((link) => [link.source, link.target].forEach((end) => total.set(end, total.get(end) + link.value)));
    const largest = Math.max(...total.values());
    return {
      tooltip: tooltip("item", (point) => point.dataType === "edge"
        ? `${point.data.source} → ${point.data.target}\n${written(point.data.value, chart.unit)}`
        : `${point.name}\n${written(total.get(point.name), chart.unit)} in and out`),
      series: [{
        type: "graph", layout: "circular", circular: { rotateLabel: true }, roam: false,
        left: "center", top: "middle", width: narrow ? "32%" : "38%", height: narrow ? "32%" : "44%",
        edgeSymbol: ["none", "arrow"], edgeSymbolSize: 7, emphasis: { focus: "adjacency" },
        label: { ...words(), show: true, position: "right", formatter: (point) => shortened(point.name, narrow ? 15 : 22) },
        data: chart.nodes.map((node) => ({
          name: node.name, symbolSize: 8 + 20 * Math.sqrt(total.get(node.name) / largest),
          itemStyle: { color: tone(node.tone) },
        })),
        links: chart.links.map((link) => ({
          source: link.source, target: link.target, value: link.value,
          lineStyle: { width: 1 + 7 * Math.sqrt(link.value / most), curveness: 0.22, opacity: 0.5, color: tone(2) },
        })),
      }],
    };
  }

  const shapes = { bars: overCategories, rows: overCategories, line: overCategories, sankey: flow, graph: network };

  function height(chart, narrow, width) {
    if (isSideways(chart, width)) return Math.max(160, chart.categories.length * (chart.shape === "rows" ? 30 : 22) + 70);
    if (chart.shape === "graph") return narrow ? 360 : 600;
    if (chart.shape !== "sankey") return undefined;
    const columns = chart.nodes.map((node) => node.column);
    const fullest = Math.max(...columns.map((column) => columns.filter((other) => other === column).length));
    return Math.max(220, Math.min(700, fullest * 32 + 50));
  }

  function draw(place) {
    const chart = JSON.parse(place.dataset.chart);
    place.classList.add("wanted");
    if (chart.shape === "bars" && isCrowded(chart, place.clientWidth)) place.classList.add("crowded");
    const tall = height(chart, place.clientWidth < 640, place.clientWidth);
    if (tall) place.style.height = `${tall}px`;
    const drawn = echarts.init(place, null, { renderer: "svg" });
    const shape = () => {
      // A page that appears or disappears has no size for a moment. Nothing can be drawn then.
      if (place.clientWidth < 40 || place.clientHeight < 40) return;
      drawn.resize();
      const narrow = place.clientWidth < 640;
      drawn.setOption({
        animation: false, backgroundColor: "transparent", textStyle: words(),
        aria: { enabled: true, label: { description: `${chart.title}. The numbers are in the table below.` } },
        ...shapes[chart.shape](chart, narrow, place.clientWidth),
      }, true);
    };
    new ResizeObserver(shape).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", shape);
    const details = place.parentElement.querySelector("details.numbers-of");
    if (details) details.open = false;
  }

  const soon = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { soon.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "400px" });

  document.querySelectorAll("[data-chart]").forEach((place) => {
    place.classList.add("wanted");
    soon.observe(place);
  });
  // On narrow screens the list of sheets starts folded.
  if (matchMedia("(max-width: 60rem)").matches) {
    document.querySelectorAll(".sheets details").forEach((list) => { list.open = false; });
  }
})();

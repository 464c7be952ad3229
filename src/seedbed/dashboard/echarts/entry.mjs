// What the dashboard draws with, and nothing else of Apache ECharts. Build it anew, after a change of this file or of
// a version in package.json, with:  npm install && npm run build
import * as echarts from "echarts/core";
import { BarChart, GraphChart, LineChart, SankeyChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  BarChart, GraphChart, LineChart, SankeyChart,
  AriaComponent, GridComponent, LegendComponent, TooltipComponent,
  SVGRenderer,
]);
export const init = echarts.init;

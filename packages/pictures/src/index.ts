/** Pictures drawn by code: SVG for light and dark pages, wide and narrow. Runs from source only: nothing here is published. */
export { scaleLinear } from "d3-scale";
export { type AnswerGap, callsAroundKill, longestGap, type TimelineCall } from "./call-timeline.ts";
export { type Colour, colours, colourVariable, type Theme } from "./colours.ts";
export {
  type CirclePart,
  circle,
  type Drawing,
  decimal,
  line,
  lineHeight,
  type Paint,
  type Part,
  type PathPart,
  type Picture,
  path,
  type RectPart,
  rect,
  type TextPart,
  type TextStyle,
  text,
  textLines,
  textSize,
} from "./drawing.ts";
export { escapeXml } from "./escape-xml.ts";
export { findLayoutProblems } from "./find-layout-problems.ts";
export { type LatencyTimelineOptions, latencyTimeline } from "./latency-timeline.ts";
export { legend, type Outcome, outcomeMark, outcomeMarks, outcomes } from "./outcome-marks.ts";
export { elementsOf, parseSvg, type SvgElement, textOf } from "./parse-svg.ts";
export { areaPath, linePath } from "./paths.ts";
export { inlineSvg, pictureThemeCss, standaloneSvg } from "./render.ts";
export { type ArrowPaint, arrow, type BoxOptions, box, span } from "./shapes.ts";
export { type TextFace, textWidth, wrapText } from "./text-metrics.ts";

import { area, line } from "d3-shape";

/** Path data of straight lines through the points. */
export function linePath(points: readonly (readonly [number, number])[]): string {
  return (
    line<readonly [number, number]>()
      .x(([x]) => x)
      .y(([, y]) => y)
      .digits(2)(points) ?? ""
  );
}

/** Path data of what lies between the points and the horizontal line at `baseY`. */
export function areaPath(points: readonly (readonly [number, number])[], baseY: number): string {
  return (
    area<readonly [number, number]>()
      .x(([x]) => x)
      .y0(baseY)
      .y1(([, y]) => y)
      .digits(2)(points) ?? ""
  );
}

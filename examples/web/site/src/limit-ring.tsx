/** Between two arcs of the ring, as a share of its length. */
const gap = 0.03;

interface Props {
  readonly limit: number;
  readonly remaining: number;
  /** How much of the window is still to wait, from 0 to 1; null: nothing is. */
  readonly waitShare: number | null;
}

/** The limit as a ring of arcs, one for each time; while it is used up, the time to wait. What it says is said in words beside it. */
export function LimitRing({ limit, remaining, waitShare }: Props) {
  const starts = Array.from({ length: limit }, (_, at) => at / limit);
  return (
    <svg className="ring" viewBox="0 0 200 200" aria-hidden="true">
      <g transform="rotate(-90 100 100)">
        {waitShare === null ? (
          starts.map((start, at) => (
            <circle
              key={start}
              className={at < remaining ? "left" : "used"}
              {...arc(1 / limit - gap, start + gap / 2)}
            />
          ))
        ) : (
          <>
            <circle className="used" {...arc(1, 0)} />
            <circle className="wait" {...arc(Math.min(1, waitShare), 0)} />
          </>
        )}
      </g>
    </svg>
  );
}

/** A part of the ring; both numbers are shares of its length. */
function arc(length: number, from: number) {
  return {
    cx: 100,
    cy: 100,
    r: 92,
    pathLength: 1,
    strokeDasharray: `${length} ${1 - length}`,
    strokeDashoffset: -from,
  };
}

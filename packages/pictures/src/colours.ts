/**
 * The palette: what a colour means, never which one it is. Each is readable (WCAG AA, 4.5 : 1) on the page backgrounds of
 * this site and of GitHub and on `surface`; `line` and `surface` carry no meaning and need no contrast.
 */
export const colours = {
  /** Words, and outlines that matter. */
  ink: { light: "#1f2328", dark: "#e6edf3" },
  /** Axes, units, second thoughts. */
  muted: { light: "#57606a", dark: "#9da7b3" },
  /** Grid lines and quiet outlines. */
  line: { light: "#ccd3db", dark: "#3d444d" },
  /** Inside of boxes. */
  surface: { light: "#f3f5f8", dark: "#1f242c" },
  /** Behind everything, in files that stand alone. */
  paper: { light: "#ffffff", dark: "#0d1117" },
  /** What the picture is about. */
  accent: { light: "#0a5cbf", dark: "#6cb0ff" },
  allowed: { light: "#0f6e46", dark: "#4ac28a" },
  denied: { light: "#a54100", dark: "#f5954f" },
  degraded: { light: "#7a3fb5", dark: "#c9a1ff" },
  failed: { light: "#b8232b", dark: "#ff8880" },
  leader: { light: "#0a5cbf", dark: "#6cb0ff" },
  follower: { light: "#57606a", dark: "#9da7b3" },
} as const satisfies Readonly<Record<string, { readonly light: string; readonly dark: string }>>;

/** What a colour of the palette means. */
export type Colour = keyof typeof colours;

/** Light or dark. */
export type Theme = "light" | "dark";

/** Page backgrounds that pictures lie on: GitHub's, and the site's. */
export const pageBackgrounds = {
  light: ["#ffffff", "#f6f8fa"],
  dark: ["#0d1117", "#17181c"],
} as const satisfies Readonly<Record<Theme, readonly string[]>>;

/** The custom property that carries a colour. */
export function colourVariable(colour: Colour): `var(--${string})` {
  return `var(--qg-${colour})`;
}

/** Declarations of every custom property in one theme. */
export function paletteDeclarations(theme: Theme): string {
  return Object.entries(colours)
    .map(([name, values]) => `--qg-${name}:${values[theme]}`)
    .join(";");
}

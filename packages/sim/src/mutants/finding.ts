/** What found a mutant, and which promise it broke. */
export type Finding = { readonly violation: string } & (
  | { readonly by: "tests"; readonly test: string }
  | { readonly by: "scripts"; readonly script: string }
  | { readonly by: "seeds"; readonly seed: number }
);

/** One way of looking came to an end: with a finding, or with why there is none. */
export type Attempt = { readonly finding: Finding } | { readonly finding: null; readonly why: string };

/** The mutant survived this way of looking. */
export function nothing(why: string): Attempt {
  return { finding: null, why };
}

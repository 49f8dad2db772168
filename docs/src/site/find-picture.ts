/**
 * The SVG of a picture.
 *
 * @throws {Error} When there is none of this name; the message lists the names.
 */
export function findPicture(pictures: Readonly<Record<string, () => string>>, name: string): string {
  if (!Object.hasOwn(pictures, name)) {
    const known = Object.keys(pictures).sort().join(", ");
    throw new Error(`picture ${name}: docs/src/pictures has none of this name; its pictures: ${known || "none"}`);
  }
  return pictures[name]!();
}

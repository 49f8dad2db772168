/** Limited by the proxy, with all else below /api. */
export function GET() {
  return Response.json({ pong: true });
}

/**
 * What a browser that shows the site is allowed: the site's own files and requests to its own origin, and nothing else. The guard needs no
 * more than `connect-src 'self'`.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** For the server block of deploy/nginx that also passes the guard's calls on: the built site, and the server's routes. */
export function siteDirectives(folder: string, appPort: number): string {
  return `
location / {
  root "${folder}";
  types { text/html html; text/javascript js; text/css css; image/svg+xml svg; }
  add_header Content-Security-Policy "${contentSecurityPolicy}" always;
  add_header X-Content-Type-Options nosniff always;
  add_header Referrer-Policy no-referrer always;
  add_header Cache-Control no-cache always;
}
location /api/ {
  client_max_body_size 1k;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  # A stream of events is quiet for as long as nothing happens.
  proxy_buffering off;
  proxy_read_timeout 1h;
  proxy_pass http://127.0.0.1:${appPort};
}
`;
}

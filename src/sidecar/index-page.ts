/** The page at `/`: where to go from here. */

export const indexPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>trama</title>
<style>
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  code { font-size: 0.95em }
</style>
<h1>trama</h1>
<p>Framed JSON tasks in, answers out. This is the HTTP side of the server.</p>
<ul>
  <li><a href="/docs">/docs</a>: the HTTP API, to read and to try</li>
  <li><a href="/openapi.json">/openapi.json</a>: the same for programs</li>
  <li><a href="/v1/ops">/v1/ops</a>: the operations that can be called</li>
  <li><a href="/metrics">/metrics</a>: figures for Prometheus</li>
  <li><a href="/livez">/livez</a> and <a href="/readyz">/readyz</a>: is it alive, may it get traffic</li>
</ul>
<pre><code>curl --data '[0.1, 0.2]' http://HOST:PORT/v1/call/sum</code></pre>
</html>
`;

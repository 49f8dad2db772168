# Any node answers JSON over HTTP: POST to /PACKAGE.SERVICE/METHOD.
node="${QUORUMGUARD_HTTP:-http://127.0.0.1:7402}"
guard="$node/quorumguard.v1.GuardService"
json='content-type: application/json'

# Three every 10 seconds (10,000,000 µs) for user-42. The fourth call is denied, and told when to come back.
for call in 1 2 3 4; do
  curl -sSw '\n' -H "$json" -d '{"check":{"key":"user-42","rule":{"limit":3,"windowUs":10000000}}}' "$guard/Allow"
done

# The same question without taking anything.
curl -sSw '\n' -H "$json" -d '{"check":{"key":"user-42","rule":{"limit":3,"windowUs":10000000}}}' "$guard/Peek"

# Two independent calls in one request; the second costs 9 of 5 and is never admitted, so it has no retryAfterMs.
curl -sSw '\n' -H "$json" "$guard/AllowBatch" -d '{"calls":[
  {"checks":[{"key":"user-7","rule":{"limit":5,"windowUs":10000000}}]},
  {"checks":[{"key":"user-8","rule":{"limit":5,"windowUs":10000000},"cost":9}]}]}'

# Two checks in one call are all or nothing: user-7 has room and user-42 has none, so nobody is charged.
curl -sSw '\n' -H "$json" "$guard/AllowBatch" -d '{"calls":[{"checks":[
  {"key":"user-7","rule":{"limit":5,"windowUs":10000000}},
  {"key":"user-42","rule":{"limit":3,"windowUs":10000000}}]}]}'

# A request id makes a retry safe: the second answer is the first one again (same index), and charges nothing.
for attempt in 1 2; do
  curl -sSw '\n' -H "$json" "$guard/Allow" \
    -d '{"check":{"key":"user-9","rule":{"limit":5,"windowUs":10000000}},"requestId":"order-1001"}'
done

# A mistake is an HTTP error that names field, value and bound, and says that nothing was applied.
curl -sSw '\nHTTP %{http_code}\n' -H "$json" "$guard/Allow" \
  -d '{"check":{"key":"user-42","rule":{"limit":3,"windowUs":10}}}'

# Who the members are, who leads, and what this node says of itself.
curl -sSw '\n' -H "$json" -d '{}' "$node/quorumguard.v1.ClusterService/GetTopology"
curl -sSw '\n' -H "$json" -d '{}' "$node/quorumguard.v1.ClusterService/GetStatus"

# For load balancers: alive is the process, ready is 503 while the node knows no leader.
curl -sS "$node/healthz"
curl -sS "$node/readyz"

# For Prometheus.
curl -sS "$node/metrics" | grep '^quorumguard_decisions_total'

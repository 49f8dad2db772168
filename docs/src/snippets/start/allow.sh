curl -s http://127.0.0.1:7402/quorumguard.v1.GuardService/Allow \
  -H 'content-type: application/json' -d '{
    "check": {"key": "docs:curl", "rule": {"limit": 5, "windowUs": "10000000"}},
    "requestId": "curl-1"
  }'

# gRPC by reflection: buf curl asks the node for its services, so that no .proto file is needed.
node="${QUORUMGUARD_ENDPOINTS:-127.0.0.1:7400}"
node="http://${node%%,*}"
buf curl --protocol grpc --list-services "$node"
buf curl --protocol grpc --list-methods "$node"

# One every 10 seconds for user-50: allowed, then denied. Defaults are shown, since an absent "remaining" is a 0.
for call in 1 2; do
  buf curl --protocol grpc --emit-defaults -d '{"check":{"key":"user-50","rule":{"limit":1,"windowUs":10000000}}}' \
    "$node/quorumguard.v1.GuardService/Allow"
done

# Who leads.
buf curl --protocol grpc "$node/quorumguard.v1.ClusterService/GetTopology"

# A mistake is a gRPC status with a typed detail that says whether the call was applied.
buf curl --protocol grpc -d '{"check":{"key":"user-50","rule":{"limit":1,"windowUs":10}}}' \
  "$node/quorumguard.v1.GuardService/Allow"

# The standard health check of gRPC.
buf curl --protocol grpc "$node/grpc.health.v1.Health/Check"

# gRPC by reflection: grpcurl asks the node for its services, so that no .proto file is needed.
node="${QUORUMGUARD_ENDPOINTS:-127.0.0.1:7400}"
node="${node%%,*}"
grpcurl -plaintext "$node" list
grpcurl -plaintext "$node" list quorumguard.v1.GuardService
grpcurl -plaintext "$node" describe quorumguard.v1.Check

# One every 10 seconds for user-60: allowed, then denied. Defaults are shown, since an absent "remaining" is a 0.
for call in 1 2; do
  grpcurl -plaintext -emit-defaults -d '{"check":{"key":"user-60","rule":{"limit":1,"windowUs":10000000}}}' \
    "$node" quorumguard.v1.GuardService/Allow
done

# Who leads.
grpcurl -plaintext "$node" quorumguard.v1.ClusterService/GetTopology

# A mistake is a gRPC status with a typed detail that says whether the call was applied.
grpcurl -plaintext -d '{"check":{"key":"user-60","rule":{"limit":1,"windowUs":10}}}' \
  "$node" quorumguard.v1.GuardService/Allow

# The standard health check of gRPC.
grpcurl -plaintext "$node" grpc.health.v1.Health/Check

import { useEffect, useState } from "react";
import type { ClusterView } from "../../cluster-view.ts";

/** The cluster as the server tells it, by server-sent events; null while it is not heard from. The browser reconnects by itself. */
export function useCluster(): ClusterView | null {
  const [view, setView] = useState<ClusterView | null>(null);
  useEffect(() => {
    const source = new EventSource("/api/cluster");
    source.onmessage = ({ data }) => setView(JSON.parse(data));
    source.onerror = () => setView(null);
    return () => source.close();
  }, []);
  return view;
}

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import "./palette.css";
import "./layout.css";
import "./parts.css";
import { openVisit } from "./visit.ts";

const root = createRoot(document.getElementById("root")!);
const visit = await openVisit().catch((error: unknown) => error as Error);
root.render(
  <StrictMode>
    {visit instanceof Error ? (
      <main className="page">
        <h1>This page could not start</h1>
        <p>{visit.message} Reload it to try again.</p>
      </main>
    ) : (
      <App visit={visit} />
    )}
  </StrictMode>,
);

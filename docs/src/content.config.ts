import { defineCollection } from "astro:content";
import { docsLoader } from "@astrojs/starlight/loaders";
import { docsSchema } from "@astrojs/starlight/schema";

/** Every page of the site: written ones, and those that src/generate writes beside them. */
export const collections = { docs: defineCollection({ loader: docsLoader(), schema: docsSchema() }) };

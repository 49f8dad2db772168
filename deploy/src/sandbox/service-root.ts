import path from "node:path";
import type { Service } from "../compose/compose-file.ts";
import { inDeploy, repositoryRoot } from "../deploy-folder.ts";

/** Where a service sees the repository, whose build it runs. */
const repositoryTarget = "/quorumguard-repository";

/** Top-level folders that belong to the image and the volumes; what this machine has there is left out. */
const imageFolders = ["/app", "/data", "/prometheus"];

/**
 * A shell script that becomes the service's process: it makes a root of its own from this machine's folders, with what
 * compose.yaml mounts at the places where compose.yaml says, takes the host name and the user, and is then replaced by
 * the program. So signals sent to the script reach the program.
 *
 * @param folder An empty folder of the service, and one per volume below `volumes`.
 */
export function serviceScript(service: Service, words: readonly string[], folder: string, volumes: string): string {
  const root = path.join(folder, "root");
  const at = (target: string) => quote(path.join(root, target));
  const owned = [...imageFolders, repositoryTarget];
  return [
    "set -e",
    `hostname ${quote(service.hostname)}`,
    `mkdir -p ${quote(root)}`,
    `mount -t tmpfs -o mode=0755 tmpfs ${quote(root)}`,
    "for entry in /*; do",
    `  case "$entry" in ${owned.join("|")}) continue ;; esac`,
    `  if [ -L "$entry" ]; then cp -P "$entry" ${quote(root)}"$entry"`,
    `  elif [ -d "$entry" ]; then mkdir ${quote(root)}"$entry" && mount --rbind "$entry" ${quote(root)}"$entry"; fi`,
    "done",
    `mkdir ${owned.map(at).join(" ")} ${at("/app/bin")} ${at("/.old")}`,
    `mount --rbind ${quote(repositoryRoot)} ${at(repositoryTarget)}`,
    ...(service.built ? imageFiles(at) : []),
    ...service.mounts.map(({ kind, source, target }) => {
      if (kind === "tmpfs") return `mount -t tmpfs tmpfs ${at(target)}`;
      return `mount --rbind ${quote(kind === "bind" ? source : path.join(volumes, source))} ${at(target)}`;
    }),
    `cd ${quote(root)}`,
    "pivot_root . .old",
    "umount -l /.old",
    "cd /",
    `PATH=/app/bin:${quote(path.dirname(inTheService(process.execPath)))}:$PATH`,
    "export PATH",
    `exec ${asUser(service.user)} ${words.map(quote).join(" ")}`,
  ].join("\n");
}

/** What the Dockerfile puts into the image: the command and the health check. The build itself is the repository's. */
function imageFiles(at: (target: string) => string): readonly string[] {
  const main = path.join(repositoryTarget, "packages", "cluster", "dist", "cli", "main.js");
  const command = `#!/bin/sh\nexec node ${main} "$@"\n`;
  return [
    `printf %s ${quote(command)} > ${at("/app/bin/quorumguard")}`,
    `chmod 755 ${at("/app/bin/quorumguard")}`,
    `cp ${quote(inDeploy("image", "health-check.mjs"))} ${at("/app/health-check.mjs")}`,
  ];
}

/** A process that is not root, as in the container. In its namespace it is the named user; our files are that user's. */
function asUser(user: string): string {
  const [uid, gid] = user.split(":");
  return user === "" ? "" : `unshare --user --map-user=${uid} --map-group=${gid}`;
}

/** The service's name for a path below the repository. */
function inTheService(file: string): string {
  const relative = path.relative(repositoryRoot, file);
  return relative.startsWith("..") ? file : path.join(repositoryTarget, relative);
}

/** One word for the shell, whatever is in it. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

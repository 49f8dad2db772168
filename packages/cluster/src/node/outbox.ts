import { type Message, MessageType, type NodeId } from "@quorumguard/raft";

/**
 * What a node is about to say to its peers. Messages leave with the turn that made them, but for one kind: what tells a peer no more
 * than how far entries that it has are committed waits until there is something else to say to it, or until it is released. A call
 * that comes alone would otherwise cost every node two messages more, each with a turn of its own, while the next call waits.
 */
export class Outbox {
  readonly #messages = new Map<NodeId, Message[]>();
  readonly #commitNews = new Map<NodeId, Message>();

  /** @param lastIndex Of the log from which `message` was made. */
  add(message: Message, lastIndex: number): void {
    const { to, type, entries, index } = message;
    // At the end of the log, so that it is no probe of what the peer has.
    if (type === MessageType.app && entries.length === 0 && index === lastIndex) this.#commitNews.set(to, message);
    else this.#messagesTo(to).push(message);
  }

  /** Nothing is to be sent now. */
  get isEmpty(): boolean {
    return this.#messages.size === 0;
  }

  /** What waited goes with this turn. */
  releaseNews(): void {
    for (const to of this.#commitNews.keys()) this.#messagesTo(to);
  }

  /** Hands out what is to be sent now, by peer. @param term What was to be told in an earlier one is another leader's to tell. */
  empty(term: number, send: (to: NodeId, messages: readonly Message[]) => void): void {
    for (const [to, messages] of this.#messages) {
      const news = this.#commitNews.get(to);
      this.#commitNews.delete(to);
      if (news?.term === term && !messages.some((message) => tellsAsMuch(message, news))) messages.unshift(news);
      if (messages.length > 0) send(to, messages);
    }
    this.#messages.clear();
  }

  #messagesTo(peer: NodeId): Message[] {
    let messages = this.#messages.get(peer);
    if (messages === undefined) {
      messages = [];
      this.#messages.set(peer, messages);
    }
    return messages;
  }
}

function tellsAsMuch({ type, commit }: Message, news: Message): boolean {
  return type === MessageType.app && commit >= news.commit;
}

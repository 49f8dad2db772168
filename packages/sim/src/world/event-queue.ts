/** An event that will happen at a virtual time. Ties are broken by `sequence`, the order in which events were scheduled. */
export interface QueuedEvent {
  readonly timeUs: number;
  readonly sequence: number;
  cancelled: boolean;
}

/** A priority queue on (time, sequence): a binary heap in one array. */
export interface EventQueue<E extends QueuedEvent> {
  readonly size: number;
  push(event: E): void;
  /** Removes and returns the earliest event that was not cancelled. */
  pop(): E | undefined;
  /** Time of the earliest event, or Infinity. */
  nextTimeUs(): number;
}

function before(left: QueuedEvent, right: QueuedEvent): boolean {
  return left.timeUs < right.timeUs || (left.timeUs === right.timeUs && left.sequence < right.sequence);
}

/** Makes an empty queue. */
export function createEventQueue<E extends QueuedEvent>(): EventQueue<E> {
  const heap: E[] = [];

  function siftDown(event: E): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, event)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }

  function takeFirst(): E | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0) siftDown(last!);
    return first;
  }

  function dropCancelled(): void {
    while (heap[0]?.cancelled === true) takeFirst();
  }

  return {
    get size() {
      return heap.length;
    },
    push(event) {
      let at = heap.length;
      heap.push(event);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!before(event, heap[parent]!)) break;
        heap[at] = heap[parent]!;
        at = parent;
      }
      heap[at] = event;
    },
    pop() {
      dropCancelled();
      return takeFirst();
    },
    nextTimeUs() {
      dropCancelled();
      return heap[0]?.timeUs ?? Number.POSITIVE_INFINITY;
    },
  };
}

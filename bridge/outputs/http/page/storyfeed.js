// The records of one feed for its story: what there is, read in pages, then what comes, by stream.

import { ask } from "/page/access.js";
import { filtersOf, pathOf } from "/page/feeds.js";

const PAGE = 1000; // records a request; the server's limit
export const STORY_RECORDS_MAX = 30000; // of a run that are read at once; of a longer one the newest
const FEW = 50;
const TELL_MS = 1000; // a reader who waits longer is told how far it is

export class StoryFeed {
  // `stream`: a Stream that gives texts to `take`; `tell(words)` while reading.
  constructor(stream, tell) {
    // `first`: the sequence of the oldest record that was read; 0 when all were.
    Object.assign(this, { stream, tell, round: 0, first: 0 });
  }

  stop() {
    this.round += 1;
    this.stream.end();
  }

  // How many events there are of a run that the list does not show yet; 0 when nobody knows.
  async count(run) {
    const answer = await ask(pathOf(run)).catch(() => null);
    return answer ? (await answer.json()).events ?? 0 : 0;
  }

  // Read a run: `take` gets its records, oldest first, a page while the next one is on its way. Returns
  // how many, or null when another run is wanted meanwhile. Raises Refused. What comes later goes to
  // the stream's taker.
  async open(run, known, take) {
    this.stop();
    const mine = this.round;
    known ??= await this.count(run);
    if (mine !== this.round) return null;
    let count = 0;
    let pending = [];
    let query = known > STORY_RECORDS_MAX ? { tail: STORY_RECORDS_MAX } : { after: "0" };
    this.first = 0;
    const begun = performance.now();
    for (;;) {
      const asked = ask(pathOf(run, { ...query, limit: PAGE }, "/events"));
      asked.catch(() => {}); // it is told below
      if (pending.length) take(pending);
      const page = await (await asked).json();
      if (mine !== this.round) return null;
      pending = page.records;
      if (query.tail && pending.length) this.first = Number(pending[0].sequence);
      count += pending.length;
      query = { after: page.next };
      if (pending.length < FEW) break; // a page may be short for its bytes; what is left comes by stream
      if (performance.now() - begun > TELL_MS) this.tell(`Reading: ${count.toLocaleString("en")} events so far`);
    }
    this.stream.resume(filtersOf(run), query.after);
    take(pending);
    return count;
  }

  // Look for a text in what is older than was read: `found(count, time)` after each page, the time
  // of the oldest match. `isWanted()` false ends it. The bridge looks, so nothing is loaded here.
  async seekOlder(run, text, found, isWanted) {
    let [after, count, oldest] = ["0", 0, ""];
    while (this.first && isWanted()) {
      const page = await (await ask(pathOf(run, { text, after, limit: PAGE }, "/events"))).json();
      const older = page.records.filter((record) => Number(record.sequence) < this.first);
      count += older.length;
      oldest ||= older[0]?.time ?? "";
      if (isWanted()) found(count, oldest);
      if (page.next === after || Number(page.next.split("-").at(-1)) >= this.first) return;
      after = page.next;
    }
  }
}

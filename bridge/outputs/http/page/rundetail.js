// One run above its story or its events: what it is about, how it stands, why it failed, what can be done.

import { serverNow } from "/page/access.js";
import { at, button, elapsed, element, icon, many, moment, rate, setText, span } from "/page/dom.js";
import { copyButton } from "/page/nodes.js";
import { failureText } from "/page/records.js";
import { isOver, lagText, statusOf, whatOf } from "/page/runs.js";
import { isMogplex, placeOf } from "/page/feeds.js";
import { numbersOf } from "/page/blocks.js";
import { isCancellable } from "/page/upstream.js";
import { visible } from "/page/visible.js";

function fact(name, value, className = "") {
  return element("div", className, element("dt", "", name), element("dd", "", value));
}

export class RunDetail {
  // `act`: close(), follow(run), unfollow(run), cancel(run), view(name), link(), download(kind).
  constructor(act) {
    this.act = act;
    this.box = at("detail");
    for (const name of ["story", "events"]) at("view-" + name).addEventListener("click", () => act.view(name));
  }

  showView(view) {
    for (const name of ["story", "events"]) at("view-" + name).setAttribute("aria-pressed", String(view === name));
  }

  // `view` may be undefined: a run that is not followed can still have events. `story`: what was read of
  // it, or null.
  show(run, view, perSecond, story) {
    this.box.hidden = !run;
    at("views").hidden = !run;
    if (!run) return;
    if (this.run !== run) this.build(run);
    this.write(view, perSecond, story);
  }

  build(run) {
    this.run = run;
    this.status = element("span", "status badge", icon("wait"), element("span", ""));
    this.title = element("h2", "");
    this.title.id = "detail-title";
    this.change = button("", "quiet change", () => this.act[this.change.dataset.act](run));
    this.cancel = button("Cancel run", "quiet cancel-run", () => this.act.cancel(run));
    const tools = element(
      "div",
      "row acts",
      this.cancel,
      this.change,
      button("Link", "quiet", () => this.act.link()),
      button("NDJSON", "quiet", () => this.act.download("ndjson")),
      button("Markdown", "quiet", () => this.act.download("markdown")),
      button("All runs", "quiet", () => this.act.close()),
    );
    tools.children[3].title = "Download the records";
    tools.children[4].title = "Download the story";
    this.note = element("p", "bad");
    this.note.setAttribute("role", "alert");
    this.told = element("p", "told");
    this.told.setAttribute("role", "status");
    this.reason = element("p", "trouble");
    this.facts = element("dl", "facts");
    const { kind, id } = placeOf(run);
    const copier = copyButton(`the ${kind} id`, () => id);
    this.name = element("p", "run-id mono", visible(id), " ", copier);
    const head = element("div", "row", this.status, this.title, element("span", "push"), tools);
    this.box.replaceChildren(head, this.name, this.reason, this.facts, this.note, this.told);
  }

  write(view, perSecond, story) {
    const [tone, mark, word] = view ? statusOf(view) : ["plain", "begin", story?.end?.status ?? "not followed"];
    this.status.dataset.tone = tone;
    this.status.firstChild.replaceWith(icon(mark));
    setText(this.status.lastChild, word);
    setText(this.title, visible(view?.title ?? story?.title ?? "") || capital(placeOf(this.run).kind));
    const isFollowed = view?.state === "following";
    this.change.dataset.act = isFollowed ? "unfollow" : "follow";
    setText(this.change, isFollowed ? "Stop following" : "Follow");
    this.change.hidden = view?.state === "ended";
    this.cancel.hidden = !isCancellable(view);
    this.facts.replaceChildren(...(view ? factsOf(view, perSecond, story) : []));
    const words = reasonsOf(view, story);
    this.reason.hidden = !words.length;
    if (words.length) this.reason.replaceChildren(icon("gap"), element("bdi", "", words.join(" · ")));
  }

  say(text) {
    if (this.note) setText(this.note, text);
  }

  tell(text) {
    if (this.told) setText(this.told, text);
  }
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);

function factsOf(view, perSecond, story) {
  const facts = [];
  const isActive = view.state === "following" && !isOver(view);
  if (!isMogplex(view)) facts.push(fact(view.system, whatOf(view)));
  if (view.branch) facts.push(fact("branch", element("bdi", "mono", visible(view.branch))));
  if (view.harness) facts.push(fact("harness", visible(view.harness)));
  if (view.startedAt) facts.push(fact("started", moment(view.startedAt)));
  if (isActive && view.startedAt) facts.push(fact("lasts", elapsed((serverNow() - Date.parse(view.startedAt)) / 1000)));
  else if (Number.isFinite(view.durationSeconds)) facts.push(fact("lasted", span(view.durationSeconds)));
  if (view.endedAt) facts.push(fact("ended", moment(view.endedAt)));
  facts.push(fact("account", view.account));
  if (view.threads) facts.push(fact("threads", view.threads.toLocaleString("en")));
  for (const [word, count] of Object.entries(view.messageTypes ?? {})) facts.push(fact(visible(word), count.toLocaleString("en")));
  if (story) facts.push(fact("so far", numbersOf({ ...story.numbers, events: view.events ?? 0, gaps: view.gaps ?? 0 })));
  else facts.push(fact("events", (view.events ?? 0).toLocaleString("en")), fact("gaps", String(view.gaps ?? 0), view.gaps ? "bad" : ""));
  if (view.state === "following") {
    facts.push(fact("rate", rate(perSecond) + "/s"), fact("lag", lagText(view)), fact("by", view.followedBy ?? "–"));
    if (view.nextRequestInSeconds !== null) facts.push(fact("next read", "in " + span(view.nextRequestInSeconds)));
  } else facts.push(fact("state", view.state));
  if (view.lastEventAt) facts.push(fact("last event", moment(view.lastEventAt)));
  return facts;
}

// Why it failed stands first.
function reasonsOf(view, story) {
  const words = [];
  const error = view?.error ?? story?.end?.reason;
  if (error && view?.phase !== "succeeded") words.push(visible(error));
  if (view?.gaps) words.push(`${many(view.gaps, "gap")}: some events could not be fetched`);
  const failure = view ? failureText(view.lastFailure) : "";
  if (failure) words.push(`${view.state === "failed" ? "follow failed" : "last failure"}: ${visible(failure)}`);
  return words;
}

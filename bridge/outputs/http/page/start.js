// The form that starts a run, and the question before one is cancelled.

import { Refused } from "/page/access.js";
import { at, setText } from "/page/dom.js";
import { cancelRun, newKey, repositories, startRun } from "/page/upstream.js";
import { visible } from "/page/visible.js";

const TYPING_MS = 400; // between the last key and the search for repositories
const REPOS_MAX = 200; // what one answer holds
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// Why a request failed, as a sentence; "" when no answer came.
const wordsOf = (error) => (error instanceof Refused ? error.message.replace(/[.]?$/, ".") : "");

const mayHaveHappened = (error) => !(error instanceof Refused) || error.status >= 500;

export class StartForm {
  // `accounts()`: names to choose from; `onStarted(runId)`.
  constructor(accounts, onStarted) {
    this.accounts = accounts;
    this.onStarted = onStarted;
    this.dialog = at("start");
    this.form = at("start-form");
    this.fields = this.form.elements;
    this.repos = new Map(); // name -> repository
    this.key = ""; // of the start that was tried last; another wish gets another one
    at("start-open").addEventListener("click", () => this.open());
    at("start-close").addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("input", (event) => this.changed(event.target));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  allow(may) {
    at("start-open").hidden = !may;
    if (!may) this.dialog.close();
  }

  open() {
    const names = this.accounts();
    const select = this.fields.account;
    if ([...select.options].map((option) => option.value).join() !== names.join()) {
      select.replaceChildren(...names.map((name) => new Option(name)));
    }
    select.closest("label").hidden = names.length < 2;
    this.say("");
    this.dialog.showModal();
    this.load();
  }

  changed(field) {
    this.key = "";
    this.say("");
    if (field === this.fields.account) {
      this.repos.clear();
      this.load();
    }
    if (field !== this.fields.repo) return;
    field.setCustomValidity("");
    const isOneOfAll = this.repos.has(field.value) || this.repos.size < REPOS_MAX;
    clearTimeout(this.typing);
    if (!isOneOfAll) this.typing = setTimeout(() => this.load(field.value.trim()), TYPING_MS);
    this.showBranch();
  }

  get account() {
    return this.fields.account.closest("label").hidden ? "" : this.fields.account.value;
  }

  async load(text = "") {
    const account = this.account;
    try {
      const found = await repositories(account, text);
      if (account !== this.account) return;
      for (const repo of found) this.repos.set(repo.full_name, repo);
      at("start-repos").replaceChildren(...[...this.repos.keys()].map((name) => new Option(name, name)));
      if (!this.repos.size) this.say("This account has no repository.");
      else if (this.repos.size === 1 && !this.fields.repo.value) this.fields.repo.value = [...this.repos.keys()][0];
      this.showBranch();
    } catch (error) {
      this.say(`The repositories cannot be read. ${wordsOf(error)}`); // an id will do
    }
  }

  showBranch() {
    this.fields.baseBranch.placeholder = visible(this.repos.get(this.fields.repo.value.trim())?.default_branch ?? "the default branch");
  }

  wish() {
    const name = this.fields.repo.value.trim();
    const repoId = this.repos.get(name)?.id ?? (UUID.test(name) ? name : "");
    const wish = { repoId, prompt: this.fields.prompt.value.trim(), harness: this.fields.harness.value };
    for (const field of ["baseBranch", "workingBranch", "rootDirectory"]) {
      const text = this.fields[field].value.trim();
      if (text) wish[field] = text;
    }
    if (this.fields.createBranch.checked) wish.createBranch = true;
    return wish;
  }

  async submit() {
    const wish = this.wish();
    if (!wish.repoId) {
      this.fields.repo.setCustomValidity("No such repository: choose one from the list or enter its id.");
      this.fields.repo.reportValidity();
      return;
    }
    this.key ||= newKey();
    this.say("");
    this.busy(true);
    try {
      const run = await startRun(this.account, this.key, wish);
      this.key = "";
      this.fields.prompt.value = "";
      this.dialog.close();
      this.onStarted(run.runId);
    } catch (error) {
      const again = mayHaveHappened(error) ? "The run may have started. Press Start again: it returns the same run, never a second one." : "";
      this.say([wordsOf(error) || "No answer came.", again].filter(Boolean).join(" "));
    } finally {
      this.busy(false);
    }
  }

  busy(isBusy) {
    at("start-go").disabled = isBusy;
    setText(at("start-go"), isBusy ? "Starting …" : "Start");
  }

  say(text) {
    setText(at("start-note"), text);
  }
}

export class CancelQuestion {
  // `onCancelled(view, wasOver)`.
  constructor(onCancelled) {
    this.onCancelled = onCancelled;
    this.dialog = at("cancel");
    at("cancel-close").addEventListener("click", () => this.dialog.close());
    at("cancel-go").addEventListener("click", () => this.go());
  }

  allow(may) {
    document.body.classList.toggle("may-cancel", may);
    if (!may) this.dialog.close();
  }

  ask(view) {
    this.view = view;
    setText(at("cancel-what"), visible(view.title ?? "") || view.runId);
    setText(at("cancel-note"), "");
    this.dialog.showModal();
  }

  async go() {
    const { account, runId } = this.view;
    at("cancel-go").disabled = true;
    try {
      const wasOver = await cancelRun(account, runId);
      this.dialog.close();
      this.onCancelled(this.view, wasOver);
    } catch (error) {
      setText(at("cancel-note"), wordsOf(error) || "No answer came; try again.");
    } finally {
      at("cancel-go").disabled = false;
    }
  }
}

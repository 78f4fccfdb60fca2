// Comforts. Every page works without them.

/** The few words that the script needs, which the page brings. */
let said;

// What the server demands of a PIN or password; it has the last word.
const RULES = {
  length: (secret) => [...secret].length >= 8 && [...secret].length <= 64,
  letters: (secret) => (secret.match(/\p{Alphabetic}/gu) ?? []).length >= 2,
  digits: (secret) => (secret.match(/[0-9]/g) ?? []).length >= 2,
  same: (secret, again) => secret !== "" && secret === again,
};

/** Ticks the rules off while a PIN or password is typed. */
function checkWhileTyping() {
  const rules = document.getElementById("rules");
  if (!rules) return;
  const secret = document.getElementById("secret");
  const again = document.getElementById("again");
  const states = [...rules.children].map((rule) => {
    const state = document.createElement("span");
    state.className = "unseen";
    rule.append(" ", state);
    return { rule, state };
  });
  const check = () => {
    for (const { rule, state } of states) {
      const met = RULES[rule.dataset.rule](secret.value, again.value);
      rule.classList.toggle("met", met);
      state.textContent = met ? rules.dataset.met : rules.dataset.open;
    }
  };
  secret.addEventListener("input", check);
  again.addEventListener("input", check);
  check();
}

/** Gives each secret a button that shows what was typed. */
function letReveal() {
  for (const input of document.querySelectorAll("[data-secret] input")) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-controls", input.id);
    const label = input.labels[0]?.textContent ?? "";
    const show = (shown) => {
      input.type = shown ? "text" : "password";
      button.textContent = shown ? said.hide : said.show;
      button.setAttribute("aria-label", `${button.textContent}: ${label}`);
    };
    button.addEventListener("click", () => show(input.type === "password"));
    // A shown PIN must not stay in the browser's memory of form fields.
    input.form.addEventListener("submit", () => show(false));
    const row = document.createElement("div");
    row.className = "reveal";
    input.replaceWith(row);
    row.append(input, button);
    show(false);
  }
}

/** Sends each form once. */
function sendOnce() {
  for (const form of document.forms) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "yes";
      for (const button of form.querySelectorAll("button[type=submit]")) {
        button.dataset.label ??= button.textContent;
        button.setAttribute("aria-disabled", "true");
        button.textContent = said.busy;
      }
      // A download leaves the page standing; its end cannot be seen from here.
      if ("download" in form.dataset) setTimeout(() => release(form), 4000);
    });
  }
}

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
    button.textContent = button.dataset.label;
  }
}

/** Changes the language and keeps what was typed. */
function keepOverLanguages() {
  for (const link of document.querySelectorAll(".languages a")) {
    link.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      try {
        const answer = await fetch(link.href);
        const text = await answer.text();
        show(new DOMParser().parseFromString(text, "text/html"), link.href);
      } catch {
        location.assign(link.href);
      }
    });
  }
}

function show(page, address) {
  const typed = [...document.querySelectorAll("main input, main textarea")].filter(
    (input) => input.id && !input.readOnly,
  );
  document.documentElement.lang = page.documentElement.lang;
  document.title = page.title;
  document.body.replaceWith(page.body);
  history.replaceState(null, "", address);
  for (const input of typed) {
    const now = document.getElementById(input.id);
    if (!now) continue;
    if (input.type === "file") now.replaceWith(withText(input, now));
    else if (input.type === "checkbox") now.checked = input.checked;
    else now.value = input.value;
  }
  start();
  document.querySelector(".languages [aria-current]")?.focus();
}

// A chosen file can be kept only in the input that it was chosen with.
function withText(input, now) {
  for (const { name, value } of now.attributes) input.setAttribute(name, value);
  return input;
}

function start() {
  said = document.body.dataset;
  checkWhileTyping();
  letReveal();
  sendOnce();
  keepOverLanguages();
}

// Browsers keep a page that was left as it stands: nobody who goes back may find a PIN in it.
window.addEventListener("pagehide", () => {
  for (const form of document.forms) form.reset();
});

// Whoever goes back sees how things stand by now, not how they stood.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(location.pathname + location.search);
});

start();
document.getElementById("notice")?.focus();

// Runs before the renderer does.
const reference = document.querySelector("rapi-doc");
const follow = (query, attribute, matching, other) => {
  const media = window.matchMedia(query);
  const adapt = () => reference.setAttribute(attribute, media.matches ? matching : other);
  media.addEventListener("change", adapt);
  adapt();
};
// Calls made from the page go to where the page came from, whatever name the server has elsewhere;
// its security policy allows no other.
reference.setAttribute("server-url", window.location.origin);
follow("(prefers-color-scheme: dark)", "theme", "dark", "light");
// There is no room for the list of calls beside the calls on a phone.
follow("(min-width: 768px)", "render-style", "focused", "view");
// The renderer pulls the line under the title beyond the left edge.
reference.addEventListener("before-render", () => {
  const straight = new CSSStyleSheet();
  straight.replaceSync("#api-info { margin-left: 0; }");
  reference.shadowRoot.adoptedStyleSheets = [...reference.shadowRoot.adoptedStyleSheets, straight];
}, { once: true });

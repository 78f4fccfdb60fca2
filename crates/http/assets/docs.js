// Calls made from the page go to where the page came from, whatever name the server has elsewhere;
// its security policy allows no other.
const reference = document.querySelector("rapi-doc");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const adapt = () => reference.setAttribute("theme", dark.matches ? "dark" : "light");
reference.setAttribute("server-url", window.location.origin);
dark.addEventListener("change", adapt);
adapt();

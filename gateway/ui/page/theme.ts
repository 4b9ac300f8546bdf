/** How the page looks: as the system does, or as was chosen. */
export type Theme = "system" | "light" | "dark";

const key = "holdfast-theme";

/** What was chosen. */
export function chosenTheme(): Theme {
  try {
    const chosen = localStorage.getItem(key);
    return chosen === "light" || chosen === "dark" ? chosen : "system";
  } catch {
    return "system"; // storage is shut off
  }
}

/** Chooses. */
export function chooseTheme(theme: Theme): void {
  try {
    if (theme === "system") localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // It then lasts as long as the page.
  }
  applyTheme(theme);
}

/** Makes the page look so. */
export function applyTheme(theme: Theme = chosenTheme()): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme } from "./theme.ts";
import "./style.css";

applyTheme();
const place = document.getElementById("app");
if (place !== null) render(<App />, place);

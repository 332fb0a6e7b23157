import "./whole.test.ts";

#!/usr/bin/env node
import{i as e}from"./chunks/cli.mjs";await e();export{};
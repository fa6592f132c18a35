import{r as e,t}from"./rolldown-runtime.mjs";import{r as n,t as r}from"./shared-libraries.mjs";import{a as i,i as a,t as o}from"./semver.mjs";import{a as s,c,d as l,f as u,i as d,l as f,n as p,o as m,p as h,s as g,u as _}from"./npm-libraries-3.mjs";import{_ as v,a as y,c as b,d as x,g as S,h as C,m as w,n as T,o as E,p as D,r as O,s as k}from"./npm-libraries-2.mjs";var A=t(((e,t)=>{t.exports=n;function n(...e){let t=e;e.length===1&&(Array.isArray(e[0])||typeof e[0]==`string`)&&(t=[].concat(e[0]));for(let e=0,n=t.length;e<n;e++)t[e]=typeof t[e]==`string`?t[e]:String(t[e]);t=t.sort(r);let n={},i=``;for(let e=0,r=t.length;e<r;e++){let r=t[e],a=t[e+1]||``,o=!0,s=!0;if(r===a)continue;let c=0,l=r.length;for(;c<l;c++){let e=r.charAt(c);if(o&&=e===a.charAt(c),s&&=e===i.charAt(c),!o&&!s){c++;break}}if(i=r,c===l)n[r]=r;else for(let e=r.slice(0,c);c<=l;c++)n[e]=r,e+=r.charAt(c)}return n}function r(e,t){return e===t?0:e>t?1:-1}})),j=t(((e,t)=>{let n=e=>{if(typeof e==`string`){if(/^0o?[0-7]+$/.test(e))return parseInt(e.replace(/^0o?/,``),8);if(/^[1-9][0-9]*$/.test(e))return parseInt(e,10);throw Error(`invalid umask value: ${e}`)}if(typeof e!=`number`||(e=Math.floor(e),e<0||e>511))throw Error(`invalid umask value: ${e}`);return e};t.exports={parse:n,validate:(e,t,r)=>{try{return e[t]=n(r),!0}catch{return!1}}}})),M=t(((e,t)=>{let n=u(),{validate:r}=j();var a=class{},o=class{};let s=i(),c=(e,t,n)=>{let r=s(n);if(!r)return!1;e[t]=r},l=n.typeDefs.path.validate,d=(e,t,n)=>typeof n==`string`&&l(e,t,n);t.exports={...n.typeDefs,semver:{type:o,validate:c,description:`full valid SemVer string`},Umask:{type:a,validate:r,description:`octal number in range 0o000..0o777 (0..511)`},url:{...n.typeDefs.url,description:`full url with "http://"`},path:{...n.typeDefs.path,validate:d,description:`valid filesystem path`},Number:{...n.typeDefs.Number,description:`numeric value`},Boolean:{...n.typeDefs.Boolean,description:`boolean value (true or false)`},Date:{...n.typeDefs.Date,description:`valid Date string`}},n.typeDefs=t.exports})),N=t(((t,n)=>{let{URL:r}=e(`node:url`);n.exports=e=>{let t=new r(e),n=`${t.protocol}//${t.host}${t.pathname}`,i=new r(`.`,n);return`//${i.host}${i.pathname}`}})),P=t(((e,t)=>{let n=/(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}/g;t.exports=(e,t)=>e.replace(n,(e,n,r,i)=>{let a=i===`?`?``:`$\{${r}}`,o=t[r]===void 0?a:t[r];return n.length%2?e.slice((n.length+1)/2):n.slice(n.length/2)+o})})),F=t(((t,n)=>{let r=M(),i=P(),{resolve:a}=e(`node:path`),{parse:o}=j(),s=(e,t,n,c=!1)=>{if(typeof e!=`string`&&!Array.isArray(e))return e;let{platform:l,types:u,home:d,env:f}=n,p=new Set([].concat(u[t])),m=p.has(r.path.type),h=p.has(r.Boolean.type),g=m||p.has(r.String.type),_=p.has(r.Umask.type),v=p.has(r.Number.type),y=!c&&p.has(Array),b=p.has(r.Date.type);if(Array.isArray(e))return y?e.map(e=>s(e,t,n,!0)):e;if(e=e.trim(),y)return s(e.split(`

`),t,n);if(h&&!g&&e===``)return!0;if(!g&&!m&&!v)switch(e){case`true`:return!0;case`false`:return!1;case`null`:return null;case`undefined`:return}if(e=i(e,f),b)return new Date(e);if(m&&(e=(l===`win32`?/^~(\/|\\)/:/^~\//).test(e)&&d?a(d,e.slice(2)):a(e)),_)try{return o(e)}catch{return e}return v&&!isNaN(e)&&(e=+e),e};n.exports=s})),I=t(((e,t)=>{let n=(e,t)=>!/^[/@_]/.test(e)&&typeof r(t)==`string`&&`npm_config_${e.replace(/-/g,`_`).toLowerCase()}`,r=e=>Array.isArray(e)?e.map(e=>r(e)).join(`

`):e==null||e===!1?``:typeof e==`object`?null:String(e),i=(e,t)=>!Array.isArray(t)||!Array.isArray(e)?e===t:a(e,t),a=(e,t)=>{if(e.length!==t.length)return!1;for(let n=0;n<e.length;n++)if(e[n]!==t[n])return!1;return!0},o=(e,t,i)=>{let a=r(i),o=n(t,a);o&&a!==null&&(e[o]=a)};t.exports=e=>{let{env:t,defaults:n,definitions:r,list:[a,s]}=e;t.INIT_CWD=process.cwd();let c=new Set(Object.keys(a)),l=new Set(Object.keys(s));for(let e in a){let{deprecated:u,envExport:d=!0}=r[e]||{};u||d===!1||(i(n[e],a[e])?i(s[e],a[e])||o(t,e,a[e]):(!l.has(e)||c.has(e))&&o(t,e,a[e]))}t.HOME=e.home,t.npm_config_global_prefix=e.globalPrefix,t.npm_config_local_prefix=e.localPrefix,a.editor&&(t.EDITOR=a.editor),a[`node-options`]&&(t.NODE_OPTIONS=a[`node-options`]),t.npm_config_node_gyp=a[`node-gyp`],t.npm_config_npm_version=a[`npm-version`]||`unknown`,t.npm_execpath=e.npmBin,t.NODE=t.npm_node_execpath=e.execPath}})),L=t(((e,t)=>{t.exports={ErrInvalidAuth:class extends Error{constructor(e){let t=`Invalid auth configuration found: `;t+=e.map(e=>{if(e.action===`delete`)return`\`${e.key}\` is not allowed in ${e.where} config`;if(e.action===`rename`)return`\`${e.from}\` must be renamed to \`${e.to}\` in ${e.where} config`}).join(`, `),t+="\nPlease run `npm config fix` to repair your configuration.`",super(t),this.code=`ERR_INVALID_AUTH`,this.problems=e}}}})),R=t(((e,t)=>{let n=M(),r=e=>{if(!e||typeof e!=`function`&&typeof e!=`object`)return e;if(Array.isArray(e))return e.map(e=>r(e));for(let{type:t,description:r}of Object.values(n))if(t===e)return r||t;return e};t.exports=e=>[].concat(r(e)).filter(e=>e!==void 0)})),z=t(((e,t)=>{let n=new Set([`dependencies`,`optionalDependencies`,`devDependencies`,`peerDependencies`]),r=e=>{for(let t of n)e&&e[t]&&(e[t]=Object.keys(e[t]).sort((e,t)=>e.localeCompare(t,`en`)).reduce((n,r)=>(n[r]=e[t][r],n),{}));return e},i=({content:e,originalContent:t})=>{let i=r({...e});if(i.dependencies&&i.optionalDependencies)for(let e of Object.keys(i.optionalDependencies))delete i.dependencies[e];let a={...t};for(let e of n)i[e]&&(a[e]=i[e]),i[e]&&typeof i==`object`&&Object.keys(i[e]).length===0&&delete a[e];let{dependencies:o,peerDependencies:s}=t||{},{peerDependencies:c}=a;if(o&&s&&c)for(let e of Object.keys(s))o[e]!==void 0&&c[e]!==void 0&&(a.dependencies=a.dependencies||{},a.dependencies[e]=c[e]);return a};i.knownKeys=n,t.exports=i})),B=t(((e,t)=>{t.exports=({content:e,originalContent:t={}})=>{let n=e.scripts;if(!n)return t;if(Object.entries(n).some(([e,t])=>typeof e!=`string`||typeof t!=`string`))throw Object.assign(TypeError(`package.json scripts should be a key-value pair of strings.`),{code:`ESCRIPTSINVALID`});return{...t,scripts:{...n}}}})),V=t(((e,t)=>{t.exports=({content:e,originalContent:t={}})=>{let n=e.workspaces;if(!n)return t;if(!n.length||n.some(e=>typeof e!=`string`))throw Object.assign(TypeError(`workspaces should be an array of strings.`),{code:`EWORKSPACESINVALID`});return{...t,workspaces:[...n]}}})),H=t(((e,t)=>{let n=_();function r(e){return Object.hasOwn(e,`license`)?e.license.startsWith(`LicenseRef`)||e.license.startsWith(`DocumentRef`):r(e.left)||r(e.right)}t.exports=function(e){if(e===`UNLICENSED`||e===`UNLICENCED`||/^SEE LICEN[CS]E IN ./.test(e))return!0;try{return!r(n(e))}catch{return!1}}})),U=t(((t,n)=>{let{URL:r}=e(`node:url`),i=w(),a=H(),o={dependancies:`dependencies`,dependecies:`dependencies`,depdenencies:`dependencies`,devEependencies:`devDependencies`,depends:`dependencies`,"dev-dependencies":`devDependencies`,devDependences:`devDependencies`,devDepenencies:`devDependencies`,devdependencies:`devDependencies`,repostitory:`repository`,repo:`repository`,prefereGlobal:`preferGlobal`,hompage:`homepage`,hampage:`homepage`,autohr:`author`,autor:`author`,contributers:`contributors`,publicationConfig:`publishConfig`,script:`scripts`},s=e=>e.includes(`@`)&&e.indexOf(`@`)<e.lastIndexOf(`.`);function c(e){let t=e.trim().split(`
`),n=0;for(;t[n]?.trim().match(/^(#|$)/);)n++;let r=n+1;for(;r<t.length&&t[r].trim();)r++;return t.slice(n,r).join(` `).trim()}function l(e){if(typeof e!=`string`){let t=e.name||``,n=e.url||e.web,r=n?` (`+n+`)`:``,i=e.email||e.mail;e=t+(i?` <`+i+`>`:``)+r}let t=e.match(/^([^(<]+)/),n=e.match(/\(([^()]+)\)/),r=e.match(/<([^<>]+)>/),i={};return t?.[0].trim()&&(i.name=t[0].trim()),r&&(i.email=r[1]),n&&(i.url=n[1]),i}function u(e,t){e.description&&typeof e.description!=`string`&&(t?.push(`'description' field should be a string`),delete e.description),e.readme&&!e.description&&e.readme!==`ERROR: No README data found!`&&(e.description=c(e.readme)),e.description===void 0&&delete e.description,e.description||t?.push(`No description`),e.modules&&(t?.push(`modules field is deprecated`),delete e.modules);let n=e.files;if(n&&!Array.isArray(n)?(t?.push(`Invalid 'files' member`),delete e.files):e.files&&=e.files.filter(function(e){return!e||typeof e!=`string`?(t?.push(`Invalid filename in 'files' list: ${e}`),!1):!0}),e.man&&typeof e.man==`string`&&(e.man=[e.man]),!e.bugs&&e.repository?.url){let t=i.fromUrl(e.repository.url);t&&t.bugs()&&(e.bugs={url:t.bugs()})}else if(e.bugs){if(typeof e.bugs==`string`)s(e.bugs)?e.bugs={email:e.bugs}:r.canParse(e.bugs)?e.bugs={url:e.bugs}:t?.push(`Bug string field must be url, email, or {email,url}`);else{for(let n in e.bugs)[`web`,`name`].includes(n)&&(t?.push(`bugs['${n}'] should probably be bugs['url'].`),e.bugs.url=e.bugs[n],delete e.bugs[n]);let n=e.bugs;e.bugs={},n.url&&(r.canParse(n.url)?e.bugs.url=n.url:t?.push(`bugs.url field must be a string url. Deleted.`)),n.email&&(typeof n.email==`string`&&s(n.email)?e.bugs.email=n.email:t?.push(`bugs.email field must be a string email. Deleted.`))}!e.bugs.email&&!e.bugs.url&&(delete e.bugs,t?.push(`Normalized value of bugs field is an empty object. Deleted.`))}typeof e.keywords==`string`&&(e.keywords=e.keywords.split(/,\s+/)),e.keywords&&!Array.isArray(e.keywords)?(delete e.keywords,t?.push(`keywords should be an array of strings`)):e.keywords&&=e.keywords.filter(function(e){return typeof e!=`string`||!e?(t?.push(`keywords should be an array of strings`),!1):!0});let u=`bundledDependencies`,d=`bundleDependencies`;if(e[u]&&!e[d]&&(e[d]=e[u],delete e[u]),e[d]&&!Array.isArray(e[d])?(t?.push(`Invalid 'bundleDependencies' list. Must be array of package names`),delete e[d]):e[d]&&(e[d]=e[d].filter(function(n){return!n||typeof n!=`string`?(t?.push(`Invalid bundleDependencies member: ${n}`),!1):(e.dependencies||={},Object.prototype.hasOwnProperty.call(e.dependencies,n)||(t?.push(`Non-dependency in bundleDependencies: ${n}`),e.dependencies[n]=`*`),!0)})),!e.homepage&&e.repository&&e.repository.url){let t=i.fromUrl(e.repository.url);t&&(e.homepage=t.docs())}e.homepage&&(typeof e.homepage==`string`?r.canParse(e.homepage)||(e.homepage=`http://`+e.homepage):(t?.push(`homepage field must be a string url. Deleted.`),delete e.homepage)),e.readme||=(t?.push(`No README data`),`ERROR: No README data found!`);let f=e.license||e.licence;f?typeof f!=`string`||f.length<1||f.trim()===``?t?.push(`license should be a valid SPDX license expression`):a(f)||t?.push(`license should be a valid SPDX license expression`):t?.push(`No license field.`),e.author&&=l(e.author),[`maintainers`,`contributors`].forEach(function(t){Array.isArray(e[t])&&(e[t]=e[t].map(l))});for(let n in o)Object.prototype.hasOwnProperty.call(e,n)&&t?.push(`${n} should probably be ${o[n]}.`)}n.exports={normalizeData:u}})),W=t(((e,t)=>{t.exports={cmd:(e,t)=>{if(!e.length)return`""`;let n;if(!/[ \t\n\v"]/.test(e))n=e;else{n=`"`;for(let t=0;t<=e.length;++t){let r=0;for(;e[t]===`\\`;)++t,++r;if(t===e.length){n+=`\\`.repeat(r*2);break}e[t]===`"`?(n+=`\\`.repeat(r*2+1),n+=e[t]):(n+=`\\`.repeat(r),n+=e[t])}n+=`"`}return n=n.replace(/[ !%^&()<>|"]/g,`^$&`),t&&(n=n.replace(/[ !%^&()<>|"]/g,`^$&`)),n},sh:e=>e.length?/[\t\n\r "#$&'()*;<>?\\`|~]/.test(e)?`'${e.replace(/'/g,`'\\''`)}'`.replace(/^(?:'')+(?!$)/,``).replace(/\\'''/g,`\\'`):e:`''`}})),G=t(((t,n)=>{let{spawn:r}=e(`child_process`),i=e(`os`),a=f(),o=W(),s=(e,t,n={},i={})=>{if(n.shell)return c(e,t,n,i);let a,o,s=new Promise((e,t)=>{a=e,o=t}),l=Error(`command failed`),d=[],f=[],p=r=>({cmd:e,args:t,...r,...u(d,f,n),...i}),m=(e,t)=>{let n=p(t);o(Object.assign(e,n))},h=r(e,t,n);return s.stdin=h.stdin,s.process=h,h.on(`error`,m),h.stdout&&(h.stdout.on(`data`,e=>d.push(e)),h.stdout.on(`error`,m)),h.stderr&&(h.stderr.on(`data`,e=>f.push(e)),h.stderr.on(`error`,m)),h.on(`close`,(e,t)=>{e||t?m(l,{code:e,signal:t}):a(p({code:e,signal:t}))}),s},c=(e,t,n,r)=>{let i=n.shell;i===!0&&(i=process.platform===`win32`?process.env.ComSpec||`cmd.exe`:`sh`);let c={...n,shell:!1},l=[],u=e;if(/(?:^|\\)cmd(?:\.exe)?$/i.test(i)){let n=!1,r=``,i=!1;for(let t=0;t<e.length;++t){let n=e.charAt(t);if(n===`^`&&!i&&t+1<e.length)r+=e.charAt(++t);else{if(n===` `&&!i)break;r+=n,n===`"`&&(i=!i)}}r.startsWith(`"`)&&r.endsWith(`"`)&&(r=r.slice(1,-1));let s;try{s=a.sync(r,{path:c.env&&d(c.env,`PATH`)||process.env.PATH,pathext:c.env&&d(c.env,`PATHEXT`)||process.env.PATHEXT}).toLowerCase()}catch{s=r.toLowerCase()}n=s.endsWith(`.cmd`)||s.endsWith(`.bat`);for(let e of t)u+=` ${o.cmd(e,n)}`;l.push(`/d`,`/s`,`/c`,u),c.windowsVerbatimArguments=!0}else{for(let e of t)u+=` ${o.sh(e)}`;l.push(`-c`,u)}return s(i,l,c,r)};s.open=(e,t={},n={})=>{let r={...t,shell:!0},a=[].concat(e),o=process.platform;if(o===`linux`&&i.release().toLowerCase().includes(`microsoft`)&&(o=`wsl`,!process.env.BROWSER))return Promise.reject(Error(`Set the BROWSER environment variable to your desired browser.`));let s=r.command;return s||(o===`win32`?(r.shell=process.env.ComSpec,s=`start ""`):s=o===`wsl`?`sensible-browser`:o===`darwin`?`open`:`xdg-open`),c(s,a,r,n)};let l=(e=`pipe`,t)=>e===`pipe`||e===null?!0:Array.isArray(e)?l(e[t],t):!1,u=(e,t,{stdioString:n=!0,stdio:r})=>{let i={stdout:null,stderr:null};return l(r,1)&&(i.stdout=Buffer.concat(e),n&&(i.stdout=i.stdout.toString().trim())),l(r,2)&&(i.stderr=Buffer.concat(t),n&&(i.stderr=i.stderr.toString().trim())),i},d=(e,t)=>{t=t.toLowerCase();for(let n of Object.keys(e).sort())if(n.toLowerCase()===t)return e[n]};n.exports=s})),K=t(((e,t)=>{t.exports={RetryOperation:class{#e=1;#t=null;#n=[];#r=null;#i;#a=null;#o;#s;#c=null;#l;constructor(e,t={}){this.#o=[...e],this.#s=[...e],this.#l=t.unref,this.#i=t.maxRetryTime||1/0,t.forever&&(this.#t=[...this.#s])}get timeouts(){return[...this.#s]}get errors(){return[...this.#n]}get attempts(){return this.#e}get mainError(){let e=null;if(this.#n.length){let t=0,n={};for(let r=0;r<this.#n.length;r++){let i=this.#n[r],{message:a}=i;n[a]||(n[a]=0),n[a]++,n[a]>=t&&(e=i,t=n[a])}}return e}reset(){this.#e=1,this.#s=[...this.#o]}stop(){this.#c&&clearTimeout(this.#c),this.#s=[],this.#t=null}retry(e){if(this.#n.push(e),new Date().getTime()-this.#a>=this.#i)return this.#n.unshift(Error(`RetryOperation timeout occurred`)),!1;let t=this.#s.shift();if(t===void 0){if(this.#t)this.#n.pop(),t=this.#t.at(-1);else return!1}return this.#c=setTimeout(()=>{this.#e++,this.#r(this.#e)},t),this.#l&&this.#c.unref(),!0}attempt(e){this.#r=e,this.#a=new Date().getTime(),this.#r(this.#e)}}}})),q=t(((e,t)=>{let{RetryOperation:n}=K(),r=(e,t)=>Math.min(Math.round((1+(t.randomize?Math.random():0))*Math.max(t.minTimeout,1)*t.factor**+e),t.maxTimeout),i=e=>e?.code===`EPROMISERETRY`&&Object.hasOwn(e,`retried`);t.exports={promiseRetry:async(e,t={})=>{let a=[];if(t instanceof Array)a=[...t];else{t.retries===1/0&&(t.forever=!0,delete t.retries);let e={retries:10,factor:2,minTimeout:1e3,maxTimeout:1/0,randomize:!1,...t};if(e.minTimeout>e.maxTimeout)throw Error(`minTimeout is greater than maxTimeout`);if(e.retries){for(let t=0;t<e.retries;t++)a.push(r(t,e));a.sort((e,t)=>e-t)}else t.forever&&a.push(r(0,e))}let o=new n(a,{forever:t.forever,unref:t.unref,maxRetryTime:t.maxRetryTime});return new Promise(function(t,n){o.attempt(async r=>{try{return t(await e(e=>{throw Object.assign(Error(`Retrying`),{code:`EPROMISERETRY`,retried:e})},r,o))}catch(e){if(!i(e))return n(e);if(!o.retry(e.retried||Error()))return n(e.retried)}})})}}})),J=t(((e,t)=>{var n=class extends Error{shouldRetry(){return!1}};t.exports={GitConnectionError:class extends n{constructor(){super(`A git connection error occurred`)}shouldRetry(e){return e<3}},GitPathspecError:class extends n{constructor(){super(`The git reference could not be found`)}},GitUnknownError:class extends n{constructor(){super(`An unknown git error occurred`)}}}})),Y=t(((e,t)=>{let{GitConnectionError:n,GitPathspecError:r,GitUnknownError:i}=J(),a=RegExp(`remote error: Internal Server Error|The remote end hung up unexpectedly|Connection timed out|Operation timed out|Failed to connect to .* Timed out|Connection reset by peer|SSL_ERROR_SYSCALL|The requested URL returned error: 503`),o=/pathspec .* did not match any file\(s\) known to git/;function s(e){let t=e.stderr,s;return s=a.test(t)?new n(t):o.test(t)?new r(t):new i(t),Object.assign(s,e)}t.exports=s})),ee=t(((t,n)=>{let r=e(`node:fs`),i=e(`node:os`),a=e(`node:path`),o=v(),s=a.join(i.homedir(),`.gitconfig`),c=null,l=()=>{if(c===null)try{if(c={},r.existsSync(s)){let e=r.readFileSync(s,`utf-8`);c=o.parse(e)}}catch{c={}}return c},u=()=>{let e=l();return{sshCommandSetInConfig:e?.core?.sshCommand!==void 0,askPassSetInConfig:e?.core?.askpass!==void 0}},d=process.env.GIT_SSH_COMMAND!==void 0,f=process.env.GIT_ASKPASS!==void 0,{sshCommandSetInConfig:p,askPassSetInConfig:m}=u(),h={...f||m?{}:{GIT_ASKPASS:`echo`},...d||p?{}:{GIT_SSH_COMMAND:`ssh -oStrictHostKeyChecking=accept-new`}};n.exports=(e={})=>({stdioString:!0,...e,shell:!1,env:e.env||{...h,...process.env}}),n.exports.loadGitConfig=l})),te=t(((e,t)=>{let n=f(),r;try{r=n.sync(`git`)}catch{}t.exports=(e={})=>e.git?e.git:!r||e.git===!1?Object.assign(Error(`No git binary found in $PATH`),{code:`ENOGIT`}):r})),X=t(((e,t)=>{let n=G(),{promiseRetry:r}=q(),{log:i}=l(),a=Y(),o=ee();t.exports=(e,t={})=>{let s=te()(t);if(s instanceof Error)return Promise.reject(s);let c=t.allowReplace||e[0]===`--no-replace-objects`?e:[`--no-replace-objects`,...e],l=t.retry;return l??={retries:t.fetchRetries||2,factor:t.fetchRetryFactor||10,maxTimeout:t.fetchRetryMaxtimeout||6e4,minTimeout:t.fetchRetryMintimeout||1e3},r((e,r)=>(r!==1&&i.silly(`git`,`Retrying git command: ${c.join(` `)} attempt # ${r}`),n(s,c,o(t)).catch(t=>{let n=a(t);if(!n.shouldRetry(r))throw n;e(n)})),l)}})),ne=t(((e,t)=>{let n=o();t.exports=e=>r(e.reduce(u,{versions:{},"dist-tags":{},refs:{},shas:{}}));let r=e=>s(i(a(e))),i=e=>(Object.keys(e.refs).forEach(t=>{let n=e.refs[t];e.shas[n.sha]?e.shas[n.sha].push(t):e.shas[n.sha]=[t]}),e),a=e=>(Object.keys(e.refs).filter(e=>e.endsWith(`^{}`)).forEach(t=>{let n=e.refs[t],r=e.refs[t.replace(/\^\{\}$/,``)];r&&(r.sha=n.sha,delete e.refs[t])}),e),s=e=>{let t=e.refs.HEAD||{};return Object.keys(e.versions).forEach(n=>{let r=e.versions[n];e.refs.latest&&r.sha===e.refs.latest.sha?e[`dist-tags`].latest=n:r.sha===t.sha&&(e[`dist-tags`].HEAD=n,e.refs.latest||(e[`dist-tags`].latest=n))}),e},c=e=>e.startsWith(`refs/tags/`)?`tag`:e.startsWith(`refs/heads/`)?`branch`:e.startsWith(`refs/pull/`)?`pull`:e===`HEAD`?`head`:`other`,l=e=>{let t=e.trim().split(/\s+/,2);if(t.length<2)return null;let n=t[0].trim(),r=t[1].trim(),i=c(r);return i===`tag`?{sha:n,ref:r.slice(10),rawRef:r,type:i}:i===`branch`?{sha:n,ref:r.slice(11),rawRef:r,type:i}:i===`pull`?{sha:n,ref:r.slice(5).replace(/\/head$/,``),rawRef:r,type:i}:i===`head`?{sha:n,ref:`HEAD`,rawRef:r,type:i}:{sha:n,ref:r,rawRef:r,type:i}},u=(e,t)=>{let r=l(t);if(!r)return e;if(e.refs[r.ref]=r,e.refs[r.rawRef]=r,r.type===`tag`){let t=!r.ref.endsWith(`^{}`)&&r.ref.match(/v?(\d+\.\d+\.\d+(?:[-+].+)?)$/);t&&n.valid(t[1],!0)&&(e.versions[n.clean(t[1],!0)]=r)}return e}})),Z=t(((e,t)=>{let n=X(),{LRUCache:r}=C(),i=ne(),a=new r({max:100,ttl:3e5});t.exports=async(e,t={})=>{if(!t.noGitRevCache){let t=a.get(e);if(t)return t}let{stdout:r}=await n([`ls-remote`,e],t),o=i(r.trim().split(`
`));return a.set(e,o),o}})),re=t((e=>{e.isWindows=e=>(e.fakePlatform||process.platform)===`win32`})),ie=t(((t,n)=>{let r=new Set([`github.com`,`gist.github.com`,`gitlab.com`,`bitbucket.com`,`bitbucket.org`]),{parse:i}=e(`url`),a=e(`path`),o=Z(),s=X(),{isWindows:l}=re(),u=c(),d=e(`fs/promises`);n.exports=(e,t=`HEAD`,n=null,r={})=>o(e,r).then(i=>m(e,i,t,h(i,t,r),n||p(e,r.cwd),r));let f=(e,t)=>t.gitShallow===!1||t.gitShallow?t.gitShallow:r.has(i(e).host),p=(e,t=process.cwd())=>a.resolve(t,a.basename(e.replace(/[/\\]?\.git$/,``))),m=(e,t,n,r,i,a)=>r?r.sha===t.refs.HEAD.sha?v(e,r,i,a):r.type===`tag`||r.type===`branch`?_(e,r,i,a):g(e,r,i,a):b(e,n,i,a),h=(e,t,n)=>{let{spec:r={}}=n;return t=r.gitCommittish||t,e?r.gitRange?u(e,r.gitRange,n):t?e.refs[t]?e.refs[t]:e.shas[t]?e.refs[e.shas[t][0]]:null:e.refs.HEAD:null},g=(e,t,n,r)=>{let i=f(e,r),a=[`fetch`,`origin`,t.rawRef].concat(i?[`--depth=1`]:[]),o=e=>s(e,{...r,cwd:n});return d.mkdir(n,{recursive:!0}).then(()=>o([`init`])).then(()=>l(r)?o([`config`,`--local`,`--add`,`core.longpaths`,`true`]):null).then(()=>o([`remote`,`add`,`origin`,e])).then(()=>o(a)).then(()=>o([`checkout`,t.sha])).then(()=>y(n,r)).then(()=>t.sha)},_=(e,t,n,r)=>{let i=[`clone`,`-b`,t.ref,e,n,`--recurse-submodules`];return f(e,r)&&i.push(`--depth=1`),l(r)&&i.push(`--config`,`core.longpaths=true`),s(i,r).then(()=>t.sha)},v=(e,t,n,r)=>{let i=[`clone`,e,n,`--recurse-submodules`];return f(e,r)&&i.push(`--depth=1`),l(r)&&i.push(`--config`,`core.longpaths=true`),s(i,r).then(()=>t.sha)},y=async(e,t)=>await d.stat(`${e}/.gitmodules`).then(()=>!0).catch(()=>!1)?s([`submodule`,`update`,`-q`,`--init`,`--recursive`],{...t,cwd:e}):null,b=(e,t,n,r)=>{let i=l(r)?[`--config`,`core.longpaths=true`]:[],a=[`clone`,`--mirror`,`-q`,e,n+`/.git`],o=e=>s(e,{...r,cwd:n});return d.mkdir(n,{recursive:!0}).then(()=>o(a.concat(i))).then(()=>o([`init`])).then(()=>o([`checkout`,t])).then(()=>y(n,r)).then(()=>o([`rev-parse`,`--revs-only`,`HEAD`])).then(({stdout:e})=>e.trim())}})),Q=t(((t,n)=>{let{stat:r}=e(`fs/promises`);n.exports=({cwd:e=process.cwd()}={})=>r(e+`/.git`).then(()=>!0,()=>!1)})),ae=t(((t,n)=>{let r=Q(),{dirname:i}=e(`path`);n.exports=async({cwd:e=process.cwd(),root:t}={})=>{for(;;){if(await r({cwd:e}))return e;let n=i(e);if(e===t||e===n)return null;e=n}}})),oe=t(((e,t)=>{let n=X();t.exports=(e={})=>n([`status`,`--porcelain=v1`,`-uno`],e).then(e=>!e.stdout.trim().split(/\r?\n+/).map(e=>e.trim()).filter(e=>e).length)})),se=t(((e,t)=>{t.exports={clone:ie(),revs:Z(),spawn:X(),is:Q(),find:ae(),isClean:oe(),errors:J()}})),ce=t(((t,n)=>{let r=i(),o=a(),s=e(`node:fs/promises`),c=e(`node:path`),{log:u}=l(),d=e(`node:module`),f;function p(){return f||=w(),f}let m;function h(){return m||=D().glob,m}function g(e,t){if(e.bin&&(typeof e.bin==`string`&&e.name?(t?.push(`"bin" was converted to an object`),e.bin={[e.name]:e.bin}):Array.isArray(e.bin)&&(t?.push(`"bin" was converted to an object`),e.bin=e.bin.reduce((e,t)=>(e[c.basename(t)]=t,e),{})),typeof e.bin==`object`)){for(let n in e.bin){if(typeof e.bin[n]!=`string`){delete e.bin[n],t?.push(`removed invalid "bin[${n}]"`);continue}let r=c.basename(x(n));if(!r){delete e.bin[n],t?.push(`removed invalid "bin[${n}]"`);continue}let i=x(e.bin[n]);i?(r!==n&&(delete e.bin[n],t?.push(`"bin[${n}]" was renamed to "bin[${r}]"`)),i!==e.bin[n]&&t?.push(`"bin[${r}]" script name ${i} was invalid and removed`),e.bin[r]=i):(delete e.bin[n],t?.push(`removed invalid "bin[${n}]"`))}return Object.keys(e.bin).length===0&&(t?.push(`empty "bin" was removed`),delete e.bin),e}delete e.bin}function _(e,t){if(e.man){let n=[];for(let r of Array.isArray(e.man)?e.man:[e.man])typeof r==`string`?n.push(x(r)):t?.push(`removed invalid "man [${r}]"`);if(!n.length)t?.push(`empty "man" was removed`);else return e.man=n,e}delete e.man}function v(e){return!e.match(/[/@\s+%:]/)&&e===encodeURIComponent(e)}function y(e){if(e.charAt(0)!==`@`)return!1;let t=e.slice(1).split(`/`);return t.length===2&&t[0]&&t[1]&&t[0]===encodeURIComponent(t[0])&&t[1]===encodeURIComponent(t[1])}function b(e){return e.replace(/\\|:/g,`/`)}function x(e){let t=b(c.join(`.`,c.join(`/`,b(e))));return t.startsWith(`./`)?``:t}function S(e,{strict:t,steps:n,changes:i,allowLegacyCase:a}){let s=e.content,c=`${s.name??``}@${s.version??``}`;if(n.includes(`fixName`)||n.includes(`fixNameField`)||n.includes(`normalizeData`)){if(!s.name&&!t)i?.push(`Missing "name" field was set to an empty string`),s.name=``;else{if(typeof s.name!=`string`)throw Error(`name field must be a string.`);if(!t){let e=s.name.trim();s.name!==e&&(i?.push(`Whitespace was trimmed from "name"`),s.name=e)}if(s.name.startsWith(`.`)||!(y(s.name)||v(s.name))||t&&!a&&s.name!==s.name.toLowerCase()||s.name.toLowerCase()===`node_modules`||s.name.toLowerCase()===`favicon.ico`)throw Error(`Invalid name: `+JSON.stringify(s.name))}}if(n.includes(`fixName`)&&d.builtinModules.includes(s.name)&&u.warn(`package-json`,c,`Package name "${s.name}" conflicts with a Node.js built-in module name`),n.includes(`fixVersionField`)||n.includes(`normalizeData`)){let e=!t;if(!s.version)s.version=``;else{if(!r(s.version,e))throw Error(`Invalid version: "${s.version}"`);let t=o(s.version,e);t!==s.version&&(i?.push(`"version" was cleaned and set to "${t}"`),s.version=t)}}if(n.includes(`_attributes`))for(let t in s)t.startsWith(`_`)&&(i?.push(`"${t}" was removed`),delete e.content[t]);if(n.includes(`_id`)&&s.name&&s.version&&(i?.push(`"_id" was set to ${c}`),s._id=c),n.includes(`bundledDependencies`)&&(s.bundleDependencies===void 0&&s.bundledDependencies!==void 0&&(s.bundleDependencies=s.bundledDependencies,i?.push(`Deleted incorrect "bundledDependencies"`)),delete s.bundledDependencies),n.includes(`bundleDependencies`)){let e=s.bundleDependencies;e===!1&&!n.includes(`bundleDependenciesDeleteFalse`)?(i?.push(`"bundleDependencies" was changed from "false" to "[]"`),s.bundleDependencies=[]):e===!0?(i?.push(`"bundleDependencies" was auto-populated from "dependencies"`),s.bundleDependencies=Object.keys(s.dependencies||{})):e&&typeof e==`object`?Array.isArray(e)||(i?.push(`"bundleDependencies" was changed from an object to an array`),s.bundleDependencies=Object.keys(e)):`bundleDependencies`in s&&(i?.push(`"bundleDependencies" was removed`),delete s.bundleDependencies)}if(n.includes(`optionalDedupe`)&&s.dependencies&&s.optionalDependencies&&typeof s.optionalDependencies==`object`){for(let e in s.optionalDependencies)i?.push(`optionalDependencies."${e}" was removed`),delete s.dependencies[e];Object.keys(s.dependencies).length||(i?.push(`Empty "optionalDependencies" was removed`),delete s.dependencies)}if((n.includes(`scripts`)||n.includes(`scriptpath`))&&s.scripts!==void 0){let e=/^(\.[/\\])?node_modules[/\\].bin[\\/]/;if(typeof s.scripts==`object`)for(let t in s.scripts)typeof s.scripts[t]==`string`?n.includes(`scriptpath`)&&e.test(s.scripts[t])&&(s.scripts[t]=s.scripts[t].replace(e,``),i?.push(`scripts entry "${t}" was fixed to remove node_modules/.bin reference`)):(delete s.scripts[t],i?.push(`Invalid scripts."${t}" was removed`));else i?.push(`Removed invalid "scripts"`),delete s.scripts}if(n.includes(`funding`)&&s.funding&&typeof s.funding==`string`&&(s.funding={url:s.funding},i?.push(`"funding" was changed to an object with a url attribute`)),(n.includes(`fixRepositoryField`)||n.includes(`normalizeData`))&&(s.repositories&&(i?.push(`"repository" was set to the first entry in "repositories" (${s.repository})`),s.repository=s.repositories[0]),s.repository&&(typeof s.repository==`string`&&(i?.push(`"repository" was changed from a string to an object`),s.repository={type:`git`,url:s.repository}),s.repository.url))){let e=p().fromUrl(s.repository.url),t;e&&(t=e.getDefaultRepresentation()===`shortcut`?e.https():e.toString(),t!==s.repository.url&&(i?.push(`"repository.url" was normalized to "${t}"`),s.repository.url=t))}if(n.includes(`fixDependencies`)||n.includes(`normalizeData`)){for(let e of[`dependencies`,`devDependencies`,`optionalDependencies`])if(s[e]){let t=!0;if(typeof s[e]==`string`&&(i?.push(`"${e}" was converted from a string into an object`),s[e]=s[e].trim().split(/[\n\r\s\t ,]+/),t=!1),Array.isArray(s[e])){t&&i?.push(`"${e}" was converted from an array into an object`);let n={};for(let t of s[e])if(typeof t==`string`){let e=t.trim().split(/(:?[@\s><=])/),r=e.shift();n[r]=e.join(``).replace(/^@/,``).trim()}s[e]=n}}for(let e of[`dependencies`,`devDependencies`])if(e in s){if(!s[e]||typeof s[e]!=`object`)i?.push(`Removed invalid "${e}"`),delete s[e];else for(let t in s[e]){typeof s[e][t]!=`string`&&(i?.push(`Removed invalid "${e}.${t}"`),delete s[e][t]);let n=p().fromUrl(s[e][t])?.toString();n&&n!==s[e][t]&&(i?.push(`Normalized git reference to "${e}.${t}"`),s[e][t]=n.toString())}}}if(n.includes(`normalizeData`)){let{normalizeData:e}=U();e(s,i)}}async function C(e,{steps:t,root:n,changes:r}){let i=e.content,a=i.scripts||{},o=`${i.name??``}@${i.version??``}`;if(t.includes(`gypfile`)&&!a.install&&!a.preinstall&&i.gypfile!==!1&&(await h()(`*.gyp`,{cwd:e.path})).length&&(a.install=`node-gyp rebuild`,i.scripts=a,i.gypfile=!0,r?.push(`"scripts.install" was set to "node-gyp rebuild"`),r?.push(`"gypfile" was set to "true"`)),t.includes(`serverjs`)&&!a.start)try{await s.access(c.join(e.path,`server.js`)),a.start=`node server.js`,i.scripts=a,r?.push(`"scripts.start" was set to "node server.js"`)}catch{}if(t.includes(`authors`)&&!i.contributors)try{i.contributors=(await s.readFile(c.join(e.path,`AUTHORS`),`utf8`)).split(/\r?\n/g).map(e=>e.replace(/^\s*#.*$/,``).trim()).filter(e=>e),r?.push(`"contributors" was auto-populated with the contents of the "AUTHORS" file`)}catch{}if(t.includes(`readme`)&&!i.readme){let t=/\.m?a?r?k?d?o?w?n?$/i,n=await h()(`{README,README.*}`,{cwd:e.path,nocase:!0,mark:!0}),a;for(let e of n)if(!e.endsWith(c.sep)){if(e.match(t)){a=e;break}e.endsWith(`README`)&&(a=e)}a&&(i.readme=await s.readFile(c.join(e.path,a),`utf8`),i.readmeFilename=a,r?.push(`"readme" was set to the contents of ${a}`),r?.push(`"readmeFilename" was set to ${a}`)),i.readme||=`ERROR: No README data found!`}if(t.includes(`mans`)){if(i.directories?.man&&!i.man){let t=x(i.directories.man),n=c.resolve(e.path,t);i.man=(await h()(`**/*.[0-9]`,{cwd:n})).map(t=>c.relative(e.path,c.join(n,t)).split(c.sep).join(`/`))}_(i,r)}if(t.includes(`binDir`)&&i.directories?.bin&&!i.bin&&e.path){let t=x(i.directories.bin);i.bin=(await h()(`**`,{cwd:c.resolve(e.path,t)})).reduce((e,n)=>{if(n&&!n.startsWith(`.`)){let r=c.basename(n);e[r]=`${t}/${x(n)}`}return e},{})}else(t.includes(`bin`)||t.includes(`binDir`)||t.includes(`binRefs`))&&g(i,r);if(t.includes(`gitHead`)&&!i.gitHead){let t=await se().find({cwd:e.path,root:n}),r;if(t)try{r=await s.readFile(c.resolve(t,`.git/HEAD`),`utf8`)}catch{}let a;if(r){if(r.startsWith(`ref: `)){let e=r.replace(/^ref: /,``).trim(),n=c.resolve(t,`.git`,e);try{a=await s.readFile(n,`utf8`),a=a.replace(/^ref: /,``).trim()}catch{}if(!a){let n=c.resolve(t,`.git/packed-refs`);try{let t=await s.readFile(n,`utf8`);if(t){t=t.split(`
`);for(let n=0;n<t.length;n++){let r=t[n].match(/^([0-9a-f]{40}) (.+)$/);if(r&&r[2].trim()===e){a=r[1];break}}}}catch{}}}else a=r.trim()}a&&(i.gitHead=a)}if(t.includes(`fillTypes`)){let t=i.main||`index.js`;if(typeof t!=`string`)throw TypeError(`The "main" attribute must be of type string.`);let n=`./${c.join(c.dirname(t),c.basename(t,c.extname(t)))}.d.ts`;if(!(`types`in i||`typings`in i))try{await s.access(c.join(e.path,n)),i.types=n.split(c.sep).join(`/`)}catch{}}if(t.includes(`binRefs`)&&i.bin instanceof Object)for(let t in i.bin)try{await s.access(c.resolve(e.path,i.bin[t]))}catch{u.warn(`package-json`,o,`No bin file found at ${i.bin[t]}`)}}async function T(e,t){if(!e.content)throw Error(`Can not normalize without content`);await C(e,t),S(e,t)}function E(e,t){S(e,t)}n.exports={normalize:T,syncNormalize:E}})),le=t(((t,n)=>{let{readFile:r}=e(`fs/promises`),i=S();async function a(e){try{return await r(e,`utf8`)}catch(e){throw e.message=`Could not read package.json: ${e}`,e}}function o(e){try{return i(e)}catch(e){throw e.message=`Invalid package.json: ${e}`,e}}async function s(e){return o(await a(e))}n.exports={read:a,parse:o,readPackage:s}})),ue=t(((e,t)=>{function n(e){let{name:t,version:n,private:r,description:i,keywords:a,homepage:o,bugs:s,repository:c,funding:l,license:u,author:d,maintainers:f,contributors:p,type:m,imports:h,exports:g,main:_,browser:v,types:y,bin:b,man:x,directories:S,files:C,workspaces:w,scripts:T,config:E,dependencies:D,devDependencies:O,peerDependencies:k,peerDependenciesMeta:A,optionalDependencies:j,bundledDependencies:M,bundleDependencies:N,engines:P,os:F,cpu:I,publishConfig:L,devEngines:R,licenses:z,overrides:B,...V}=e;return{...t===void 0?{}:{name:t},...n===void 0?{}:{version:n},...r===void 0?{}:{private:r},...i===void 0?{}:{description:i},...a===void 0?{}:{keywords:a},...o===void 0?{}:{homepage:o},...s===void 0?{}:{bugs:s},...c===void 0?{}:{repository:c},...l===void 0?{}:{funding:l},...u===void 0?{}:{license:u},...d===void 0?{}:{author:d},...f===void 0?{}:{maintainers:f},...p===void 0?{}:{contributors:p},...m===void 0?{}:{type:m},...h===void 0?{}:{imports:h},...g===void 0?{}:{exports:g},..._===void 0?{}:{main:_},...v===void 0?{}:{browser:v},...y===void 0?{}:{types:y},...b===void 0?{}:{bin:b},...x===void 0?{}:{man:x},...S===void 0?{}:{directories:S},...C===void 0?{}:{files:C},...w===void 0?{}:{workspaces:w},...T===void 0?{}:{scripts:T},...E===void 0?{}:{config:E},...D===void 0?{}:{dependencies:D},...O===void 0?{}:{devDependencies:O},...k===void 0?{}:{peerDependencies:k},...A===void 0?{}:{peerDependenciesMeta:A},...j===void 0?{}:{optionalDependencies:j},...M===void 0?{}:{bundledDependencies:M},...N===void 0?{}:{bundleDependencies:N},...P===void 0?{}:{engines:P},...F===void 0?{}:{os:F},...I===void 0?{}:{cpu:I},...L===void 0?{}:{publishConfig:L},...R===void 0?{}:{devEngines:R},...z===void 0?{}:{licenses:z},...B===void 0?{}:{overrides:B},...V}}t.exports={packageSort:n}})),de=t(((t,n)=>{let{readFile:r,writeFile:i}=e(`node:fs/promises`),{resolve:a}=e(`node:path`),o=S(),s=z(),c=B(),l=V(),{normalize:u,syncNormalize:d}=ce(),{read:f,parse:p}=le(),{packageSort:m}=ue(),h=new Set([s,c,l]),g=new Set([...s.knownKeys,`scripts`,`workspaces`]);n.exports=class e{static fixSteps=Object.freeze([`binRefs`,`bundleDependencies`,`fixName`,`fixVersionField`,`fixRepositoryField`,`fixDependencies`,`devDependencies`,`scriptpath`]);static normalizeSteps=Object.freeze([`_id`,`_attributes`,`bundledDependencies`,`bundleDependencies`,`optionalDedupe`,`scripts`,`funding`,`bin`,`binDir`]);static prepareSteps=Object.freeze([`_id`,`_attributes`,`bundledDependencies`,`bundleDependencies`,`bundleDependenciesDeleteFalse`,`gypfile`,`serverjs`,`scriptpath`,`authors`,`readme`,`mans`,`binDir`,`gitHead`,`fillTypes`,`normalizeData`,`binRefs`]);static async create(t,n={}){let r=new e;return await r.create(t),n.data?r.update(n.data):r}static async load(t,n={}){let r=new e;if(!n.create)return r.load(t);try{return await r.load(t)}catch(e){if(!e.message.startsWith(`Could not read package.json`))throw e;return await r.create(t)}}static async fix(t,n){let r=new e;return await r.load(t,!0),r.fix(n)}static async prepare(t,n){let r=new e;return await r.load(t,!0),r.prepare(n)}static async normalize(t,n){let r=new e;return await r.load(t),r.normalize(n)}#e;#t;#n=``;#r=!0;async load(e,t){this.#e=e;let n;try{this.#n=await f(this.filename)}catch(e){if(!t)throw e;n=e}if(n){let e=a(this.path,`index.js`),t;try{t=await r(e,`utf8`)}catch{throw n}try{this.fromComment(t)}catch{throw n}return this.#r=!1,this}return this.fromJSON(this.#n)}fromJSON(e){return this.#t=p(e),this}fromContent(e){if(!e||typeof e!=`object`)throw Error(`Content data must be an object`);return this.#t=e,this.#r=!1,this}fromComment(e){if(e=e.split(/^\/\*\*package(?:\s|$)/m),e.length<2||(e=e[1],e=e.split(/\*\*\/$/m),e.length<2))throw Error(`File has no package in comments`);return e=e[0],e=e.replace(/^\s*\*/gm,``),this.#t=o(e),this}get content(){return this.#t}get path(){return this.#e}get filename(){if(this.path)return a(this.path,`package.json`)}create(e){return this.#e=e,this.#t={},this}update(e){if(!this.content)throw Error("Can not update without content.  Please `load` or `create`");for(let t of h)this.#t=t({content:e,originalContent:this.content});for(let[t,n]of Object.entries(e))g.has(t)||(this.content[t]=n);return this}async save({sort:e}={}){if(!this.#r)throw Error(`No package.json to save to`);let{[Symbol.for(`indent`)]:t,[Symbol.for(`newline`)]:n,...r}=this.content,a=t===void 0?`  `:t,o=n===void 0?`
`:n,s=e?m(r):r,c=`${JSON.stringify(s,null,a)}\n`.replace(/\n/g,o);if(c.trim()!==this.#n.trim()){let e=await i(this.filename,c);return this.#n=c,e}}syncNormalize(e={}){return e.steps=this.constructor.normalizeSteps.filter(e=>e!==`_attributes`),d(this,e),this}async normalize(e={}){return e.steps||=this.constructor.normalizeSteps,await u(this,e),this}async prepare(e={}){return e.steps||=this.constructor.prepareSteps,await u(this,e),this}async fix(e={}){return e.steps=this.constructor.fixSteps,await u(this,e),this}}})),fe=t(((t,n)=>{let{basename:r,dirname:i}=e(`path`),a=(e,t)=>e.charAt(0)===`@`?`${e}/${t}`:t;n.exports=e=>e?a(r(i(e)),r(e)):!1})),pe=t((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.range=e.balanced=void 0,e.balanced=(n,r,i)=>{let a=n instanceof RegExp?t(n,i):n,o=r instanceof RegExp?t(r,i):r,s=a!==null&&o!=null&&(0,e.range)(a,o,i);return s&&{start:s[0],end:s[1],pre:i.slice(0,s[0]),body:i.slice(s[0]+a.length,s[1]),post:i.slice(s[1]+o.length)}};let t=(e,t)=>{let n=t.match(e);return n?n[0]:null};e.range=(e,t,n)=>{let r,i,a,o,s,c=n.indexOf(e),l=n.indexOf(t,c+1),u=c;if(c>=0&&l>0){if(e===t)return[c,l];for(r=[],a=n.length;u>=0&&!s;){if(u===c)r.push(u),c=n.indexOf(e,u+1);else if(r.length===1){let e=r.pop();e!==void 0&&(s=[e,l])}else i=r.pop(),i!==void 0&&i<a&&(a=i,o=l),l=n.indexOf(t,u+1);u=c<l&&c>=0?c:l}r.length&&o!==void 0&&(s=[a,o])}return s}})),me=t((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.EXPANSION_MAX_STEPS=e.EXPANSION_MAX_REWRITES=e.EXPANSION_MAX_DEPTH=e.EXPANSION_MAX_LENGTH=e.EXPANSION_MAX=void 0,e.expand=E;let t=pe(),n=`\0SLASH`+Math.random().toFixed(16)+`\0`,r=`\0OPEN`+Math.random().toFixed(16)+`\0`,i=`\0CLOSE`+Math.random().toFixed(16)+`\0`,a=`\0COMMA`+Math.random().toFixed(16)+`\0`,o=`\0PERIOD`+Math.random().toFixed(16)+`\0`,s=new RegExp(n,`g`),c=new RegExp(r,`g`),l=new RegExp(i,`g`),u=new RegExp(a,`g`),d=new RegExp(o,`g`),f=/\\\\/g,p=/\\{/g,m=/\\}/g,h=/\\,/g,g=/\\\./g;e.EXPANSION_MAX=1e5,e.EXPANSION_MAX_LENGTH=4e6,e.EXPANSION_MAX_DEPTH=1e3,e.EXPANSION_MAX_REWRITES=1e3,e.EXPANSION_MAX_STEPS=2e7;function _(e){return isNaN(e)?e.charCodeAt(0):parseInt(e,10)}function v(e){return e.replace(f,n).replace(p,r).replace(m,i).replace(h,a).replace(g,o)}function y(e){return e.replace(s,`\\`).replace(c,`{`).replace(l,`}`).replace(u,`,`).replace(d,`.`)}function b(e,t){for(let n=0;n<t.length;n++)e.push(t[n])}function x(e,n,r){if(r.remaining<0)return;let i=(0,t.range)(`{`,`}`,n),a=i!==void 0&&n.indexOf(`{`)<i[0];if(r.remaining-=i&&!a?i[1]+1:e.length,!(!i||r.remaining<0))return{end:i[1],pre:e.slice(0,i[0]),body:e.slice(i[0]+1,i[1]),post:e.slice(i[1]+1),unmatched:a}}function S(e,t){t.remaining-=e.length;let n=[];for(let t=0;t<e.length;t++){let r=e.charCodeAt(t);r===123?n.push(t):r===125&&n.length&&n.pop()}let r=``,i=0;for(let t=0;t<n.length;t++){let a=n[t];r+=e.slice(i,a)+`\0`,i=a+1}return r+e.slice(i)}function C(e,t){if(t.remaining-=e.length,t.remaining<0)return!1;let n=!1;for(let t=e.length-1;t>=0;t--){let r=e.charCodeAt(t);if(r===125)n=!0;else if(r===10||r===13||r===8232||r===8233)n=!1;else if(r===44&&n&&e.charCodeAt(t+1)!==44)return!0}return!1}function w(e,t){let n=[],r=``;for(;;){let i=x(e,e,t);if(t.remaining<0)return;if(!i){let t=e.split(`,`);return t[0]=r+t[0],b(n,t),n}let{pre:a,body:o,post:s}=i,c=a.split(`,`);if(c[0]=r+c[0],c[c.length-1]+=`{`+o+`}`,!s.length)return b(n,c),n;r=c.pop(),b(n,c),e=s}}function T(e,t){return e===void 0||isNaN(e)?t:e}function E(t,n={}){if(!t)return[];let r=T(n.max,e.EXPANSION_MAX),i=T(n.maxLength,e.EXPANSION_MAX_LENGTH),a=T(n.maxDepth,e.EXPANSION_MAX_DEPTH),o=T(n.maxRewrites,e.EXPANSION_MAX_REWRITES),s=T(n.maxSteps,e.EXPANSION_MAX_STEPS);return t.slice(0,2)===`{}`&&(t=`\\{\\}`+t.slice(2)),N(v(t),r,i,a,0,o,{remaining:s},!0).map(y)}function D(e){return`{`+e+`}`}function O(e){return/^-?0\d/.test(e)}function k(e,t){return e<=t}function A(e,t){return e>=t}function j(e,t,n,r,i,a,o){let s=[],c=0,l;outer:for(let o=0;o<e.length;o++){let u=e[o]+t,d=n;a&&!u&&(l||=n.filter(e=>e),d=l);for(let e=0;e<d.length;e++){if(s.length>=r)break outer;let t=u+d[e];if(c+t.length>i)break outer;s.push(t),c+=t.length}}return o.remaining-=s.length,s}function M(e,t,n,r,i){let a=e.split(/\.\./),o=[];if(a[0]===void 0||a[1]===void 0)return o;let s=_(a[0]),c=_(a[1]),l=Math.max(a[0].length,a[1].length),u=a.length===3&&a[2]!==void 0?Math.max(Math.abs(_(a[2])),1):1,d=k;c<s&&(u*=-1,d=A);let f=a.some(O),p=f?l:1,m=0;for(let e=s;d(e,c)&&o.length<n;e+=u){if(i.remaining-=p,i.remaining<0)return;let n;if(t)n=String.fromCharCode(e),n===`\\`&&(n=``);else if(n=String(e),f){let t=l-n.length;if(t>0){let r=Array(t+1).join(`0`);n=e<0?`-`+r+n.slice(1):r+n}}if(m+n.length>r)break;o.push(n),m+=n.length}return o}function N(e,t,n,r,a,o,s,c){if(s.remaining-=16,a>r)return[e];let l=[``],u=0,d=!1,f=!0,p=e;for(;;){let m=x(e,p,s);if(!m)return j(l,e,[``],t,n,d,s);m.unmatched&&(p=S(p,s));let h=m.pre,g=()=>j(l,h+`{`+m.body+`}`+m.post,[``],t,n,d,s);if(/\$$/.test(h)){if(l=j(l,h+`{`+m.body+`}`,[``],t,n,d&&!m.post.length,s),f=!1,!m.post.length)break;e=m.post,p=p.slice(m.end+1);continue}let _=/^-?\d+\.\.-?\d+(?:\.\.-?\d+)?$/.test(m.body),v=/^[a-zA-Z]\.\.[a-zA-Z](?:\.\.-?\d+)?$/.test(m.body),y=_||v,b=m.body.indexOf(`,`)>=0;if(!y&&!b){if(u<o&&C(m.post,s)){u++,e=m.pre+`{`+m.body+i+m.post,p=p.slice(0,m.end)+i+p.slice(m.end+1),c=!0;continue}return g()}f&&=(d=c&&!y,!1);let T;if(y){if(T=M(m.body,v,t,n,s),!T)return g()}else{let i=w(m.body,s);if(!i)return g();if(i.length===1&&i[0]!==void 0){if(i=N(i[0],t,n,r,a+1,o,s,!1).map(D),s.remaining<0)return g();if(i.length===1){let r=j(l,h+i[0],[``],t,n,d&&!m.post.length,s);if(s.remaining<0)return g();if(l=r,!m.post.length)break;e=m.post,p=p.slice(m.end+1);continue}}let c=d&&!m.post.length&&!h;for(let e=0;c&&e<l.length;e++)l[e]&&(c=!1);T=[];let u=0;outer:for(let e=0;e<i.length;e++){let l=N(i[e],t,n,r,a+1,o,s,!1);if(s.remaining<0)return g();for(let e=0;e<l.length;e++){let r=l[e];if(!c||r){if(T.length>=t||u+r.length>n)break outer;T.push(r),u+=r.length}}}}let E=j(l,h,T,t,n,d&&!m.post.length,s);if(s.remaining<0)return g();if(l=E,!m.post.length)break;e=m.post,p=p.slice(m.end+1)}return l}})),he=t(((t,n)=>{let r=e(`path`),i=fe(),{minimatch:a}=g(),o=de(),{glob:s}=D();function c(e){let t=[],n=[];for(let r of e){let e=r.match(/^!+/);if(e&&(r=r.slice(e[0].length)),r=r.replace(/^\.?\/+/,``),e&&e[0].length%2==1)n.push(r);else{for(let e=0;e<n.length;++e){let t=n[e];a(r,t)&&n.splice(e,1)}t.push(r)}}for(let e of n)for(let n of a.match(t,e))t.splice(t.indexOf(n),1);return{patterns:t,negatedPatterns:n}}function l(e){let t=Array.isArray(e.packages)?e.packages:e;if(!Array.isArray(t))throw f({message:`workspaces config expects an Array`,code:`EWORKSPACESCONFIG`});return c(t)}function u(e,t){return e.name||i(t)}function d(e){return e=e.replace(/\\/g,`/`),e.endsWith(`/`)?e:`${e}/`}function f({Type:e=TypeError,message:t,code:n}){return Object.assign(new e(t),{code:n})}function p(e){return new Map(Array.from(e,e=>e.reverse()))}async function m(e={}){if(!e||!e.pkg)throw f({message:`mapWorkspaces missing pkg info`,code:`EMAPWORKSPACESPKG`});e.cwd||=process.cwd();let{workspaces:t=[]}=e.pkg,{patterns:n,negatedPatterns:i}=l(t),c=new Map;if(!n.length&&!i.length)return c;let p=new Map,m=await s(n.map(e=>d(e)),{...e,ignore:[...e.ignore||[],`**/node_modules/**`,...i]});m=m.sort((e,t)=>e.localeCompare(t,`en`));let g=[];for(let e of n)g.push(...m.filter(t=>a(t,e,{partial:!0,windowsPathsNoEscape:!0})));for(let t of g){let n;try{n=await o.normalize(r.join(e.cwd,t))}catch(e){if(e.code===`ENOENT`||e.code===`ENOTDIR`)continue;throw e}let i=u(n.content,n.path),a=p.get(i);a||(a=new Set,p.set(i,a)),a.add(n.path)}let _=[`must not have multiple workspaces with the same name`];for(let[e,t]of p)t.size>1?h(_,e,t):c.set(e,t.values().next().value);if(_.length>1)throw f({Type:Error,message:_.join(`
`),code:`EDUPLICATEWORKSPACE`});return c}function h(e,t,n){e.push(`package '${t}' has conflicts in the following paths:`);for(let t of n)e.push(`    `+t)}m.virtual=function(e={}){if(!e||!e.lockfile)throw f({message:`mapWorkspaces.virtual missing lockfile info`,code:`EMAPWORKSPACESLOCKFILE`});e.cwd||=process.cwd();let{packages:t={}}=e.lockfile,{workspaces:n=[]}=t[``]||{},i=new Map,{patterns:o,negatedPatterns:s}=l(n);if(!o.length&&!s.length)return i;s.push(`**/node_modules/**`);let c=Object.keys(t);for(let e of s)for(let t of a.match(c,e))c.splice(c.indexOf(t),1);for(let n of o)for(let o of a.match(c,n)){let n=r.join(e.cwd,o),a=u(t[o],n);i.set(n,a)}return p(i)},n.exports=m})),ge=t(((t,n)=>{let{walkUp:r}=h(),i=v(),a=u(),{log:o,time:s}=l(),{resolve:c,dirname:d,join:f}=e(`node:path`),{homedir:p}=e(`node:os`),{readFile:m,writeFile:g,chmod:_,unlink:y,stat:b,mkdir:x}=e(`node:fs/promises`),S=[`npm-version`,`global-prefix`,`local-prefix`],C=(...e)=>b(c(...e)).then(e=>e.isFile()).catch(()=>!1),w=(...e)=>b(c(...e)).then(e=>e.isDirectory()).catch(()=>!1),T=(e,t)=>Object.prototype.hasOwnProperty.call(e,t),E=M(),D=N(),O=P(),k=F(),A=I(),j=new Set([`global`,`user`,`project`]),z=new Set([`default`,`builtin`,...j,`env`,`cli`]);var B=class{#e=!1;#t;#n=null;#r=[];static get typeDefs(){return E}constructor({definitions:e,shorthands:t,flatten:n,nerfDarts:r=[],npmPath:i,env:a=process.env,argv:o=process.argv,platform:s=process.platform,execPath:c=process.execPath,cwd:l=process.cwd(),excludeNpmCwd:u=!1,warn:d=!0}){this.nerfDarts=r,this.definitions=e;let{types:p,defaults:m,deprecated:h}=W(e);this.deprecated=h,this.#t=n,this.types=p,this.shorthands=t,this.defaults=m,this.npmPath=i,this.npmBin=f(this.npmPath,`bin/npm-cli.js`),this.argv=o,this.env=a,this.execPath=c,this.platform=s,this.cwd=l,this.excludeNpmCwd=u,this.globalPrefix=null,this.localPrefix=null,this.localPackage=null,this.home=null;let g=[...z];this.data=new Map;let _=null;for(let e of g)this.data.set(e,_=new U(_));this.data.set=()=>{throw Error(`cannot change internal config data structure`)},this.data.delete=()=>{throw Error(`cannot change internal config data structure`)},this.sources=new Map([]);for(let{data:e}of this.data.values())this.list.unshift(e);this.#e=!1,this.warn=d}get list(){let e=[];for(let{data:t}of this.data.values())e.unshift(t);return e}get loaded(){return this.#e}get prefix(){return this.#i(`global`)?this.globalPrefix:this.localPrefix}find(e){if(!this.loaded)throw Error(`call config.load() before reading values`);let t=[...this.data.entries()];for(let n=t.length-1;n>-1;n--){let[r,{data:i}]=t[n];if(T(i,e))return r}return null}get(e,t){if(!this.loaded)throw Error(`call config.load() before reading values`);return this.#i(e,t)}#i(e,t=null){if(t!==null&&!z.has(t))throw Error(`invalid config location param: `+t);let{data:n}=this.data.get(t||`cli`);return t===null||T(n,e)?n[e]:void 0}set(e,t,n=`cli`){if(!this.loaded)throw Error(`call config.load() before setting values`);if(!z.has(n))throw Error(`invalid config location param: `+n);this.#s(e);let{data:r,raw:i}=this.data.get(n);r[e]=t,[`global`,`user`,`project`].includes(n)&&(i[e]=t),this.data.get(n)[H]=null,this.#n=null}get flat(){if(this.#n)return this.#n;let e=s.start(`config:load:flatten`);this.#n={};for(let{data:e}of this.data.values())this.#t(e,this.#n);return this.#n.nodeBin=this.execPath,this.#n.npmBin=this.npmBin,e(),this.#n}delete(e,t=`cli`){if(!this.loaded)throw Error(`call config.load() before deleting values`);if(!z.has(t))throw Error(`invalid config location param: `+t);let{data:n,raw:r}=this.data.get(t);delete n[e],[`global`,`user`,`project`].includes(t)&&delete r[e],this.data.get(t)[H]=null,this.#n=null}async load(){if(this.loaded)throw Error(`attempting to load npm config multiple times`);this.loadDefaults(),await this.loadBuiltinConfig(),this.loadCLI(),this.loadEnv(),await this.loadProjectConfig(),await this.loadUserConfig(),await this.loadGlobalConfig(),this.#e=!0,this.globalPrefix=this.get(`prefix`),this.setEnvs()}loadDefaults(){this.loadGlobalPrefix(),this.loadHome();let t={...this.defaults,prefix:this.globalPrefix};try{t[`npm-version`]=e(f(this.npmPath,`package.json`)).version}catch{}this.#o(t,`default`,`default values`);let{data:n}=this.data.get(`default`);Object.defineProperty(n,"globalconfig",{get:()=>c(this.#i(`prefix`),`etc/npmrc`),set(e){Object.defineProperty(n,"globalconfig",{value:e,configurable:!0,writable:!0,enumerable:!0})},configurable:!0,enumerable:!0})}loadHome(){this.home=this.env.HOME||p()}loadGlobalPrefix(){if(this.globalPrefix)throw Error(`cannot load default global prefix more than once`);this.env.PREFIX?this.globalPrefix=this.env.PREFIX:this.platform===`win32`?this.globalPrefix=d(this.execPath):(this.globalPrefix=d(d(this.execPath)),this.env.DESTDIR&&(this.globalPrefix=f(this.env.DESTDIR,this.globalPrefix)))}loadEnv(){let e=Object.create(null);for(let[t,n]of Object.entries(this.env)){if(!/^npm_config_/i.test(t)||n===``)continue;let r=t.slice(11);r.startsWith(`//`)||(r=r.replace(/(?!^)_/g,`-`).toLowerCase()),e[r]=n}this.#o(e,`env`,`environment`)}loadCLI(){for(let e of Object.keys(this.shorthands))e.length>1&&this.argv.includes(`-${e}`)&&o.warn(`-${e} is not a valid single-hyphen cli flag and will be removed in the future`);a.invalidHandler=(e,t,n)=>this.invalidHandler(e,t,n,`command line options`,`cli`),a.unknownHandler=(e,t)=>this.unknownHandler(e,t),a.abbrevHandler=this.abbrevHandler;let e=a(this.types,this.shorthands,this.argv);a.invalidHandler=null,a.unknownHandler=null,this.parsedArgv=e.argv,delete e.argv,this.#o(e,`cli`,`command line options`)}get valid(){for(let[e,{valid:t}]of this.data.entries())if(t===!1||t===null&&!this.validate(e))return!1;return!0}validate(e){if(e){let t=this.data.get(e);return t[H]=!0,a.invalidHandler=(n,r,i)=>this.invalidHandler(n,r,i,t.source,e),a.clean(t.data,this.types,E),a.invalidHandler=null,t[H]}{let e=!0,t=[];for(let n of this.data.keys()){if(n==="default"||n===`builtin`||n===`cli`)continue;let r=this.validate(n);if(e&&=r,[`global`,`user`,`project`].includes(n)){for(let e of[`_authtoken`,`-authtoken`])this.get(e,n)&&t.push({action:`delete`,key:e,where:n});let e=D(this.get(`registry`));for(let r of[`_auth`,`_authToken`,`username`,`_password`])this.get(r,n)&&(r===`username`&&!this.get(`_password`,n)||r===`_password`&&!this.get(`username`,n)?t.push({action:`delete`,key:r,where:n}):t.push({action:`rename`,from:r,to:`${e}:${r}`,where:n}))}}if(t.length){let{ErrInvalidAuth:e}=L();throw new e(t)}return e}}repair(e){if(!e)try{this.validate()}catch(t){if(t.code!==`ERR_INVALID_AUTH`)throw t;e=t.problems}finally{e||=[]}for(let t of e)if(t.action===`delete`)this.delete(t.key,t.where);else if(t.action===`rename`){let e=this.data.get(t.where).raw?.[t.from],n=this.get(t.from,t.where);this.set(t.to,e||n,t.where),this.delete(t.from,t.where)}}isDefault(e){let[t,...n]=[...z],r=this.data.get(t).data;return T(r,e)&&n.every(t=>{let n=this.data.get(t).data;return!T(n,e)})}invalidHandler(e,t,n,r,i){let a=R();o.warn(`invalid config`,e+`=`+JSON.stringify(t),`set in ${r}`),this.data.get(i)[H]=!1,Array.isArray(n)&&(n.includes(E.url.type)?n=E.url.type:n.includes(E.path.type)&&(n=E.path.type));let s=a(n),c=s.filter(e=>e!==void 0&&e!==Array),l=`Must be`+this.#a(c,s),u=c.length===1?c[0]:[...new Set(c.map(e=>typeof e==`string`?e:JSON.stringify(e)))].join(`, `);o.warn(`invalid config`,l,u)}abbrevHandler(e,t){o.warn(`Expanding --${e} to --${t}. This will stop working in the next major version of npm.`)}unknownHandler(e,t){t&&this.queueWarning(`unknown:${t}`,`"${t}" is being parsed as a normal command line argument.`)}#a(e,t){let n;return n=e.length===1&&t.includes(Array)?` one or more`:e.length>1&&t.includes(Array)?` one or more of:`:e.length>1?` one of:`:``,n}#o(e,t,n,r=null){let i=this.data.get(t);if(i.source){let e=`double-loading "${t}" configs from ${n}, previously loaded from ${i.source}`;throw Error(e)}if(this.sources.has(n)){let e=`double-loading config "${n}" as "${t}", previously loaded as "${this.sources.get(n)}"`;throw Error(e)}if(i.source=n,this.sources.set(n,t),r)i.loadError=r,r.code!==`ENOENT`&&o.verbose(`config`,`error loading ${t} config`,r);else{i.raw=e;outer:for(let[n,r]of Object.entries(e)){let e=O(n,this.env),a=this.parseField(r,e);if(t!=="default"&&(this.#s(e),this.definitions[n]?.exclusive)){for(let e of this.definitions[n].exclusive)if(!this.isDefault(e)){if(t===`env`){let t=this.data.get(`cli`).data;if(Object.hasOwn(t,e))continue outer}throw TypeError(`--${n} cannot be provided when using --${e}`)}}(t!=="default"||n===`npm-version`)&&this.checkUnknown(t,n),i.data[e]=a}}}checkUnknown(e,t){if(!this.definitions[t]){if(S.includes(t))return;let n=e===`cli`?``:" See `npm help npmrc` for supported config options.";if(!t.includes(`:`)){this.queueWarning(t,`Unknown ${e} config "${e===`cli`?`--`:``}${t}". This will stop working in the next major version of npm.${n}`);return}let r=t.split(`:`).pop();!this.definitions[r]&&!this.nerfDarts.includes(r)&&this.queueWarning(r,`Unknown ${e} config "${r}" (${t}). This will stop working in the next major version of npm.${n}`)}}#s(e){this.deprecated[e]&&o.warn(`config`,e,this.deprecated[e])}parseField(e,t,n=!1){return k(e,t,this,n)}async#c(e,t){o.silly(`config`,`load:file:${e}`),await m(e,`utf8`).then(n=>{let r=i.parse(n);return t===`project`&&r.prefix&&o.error(`config`,`prefix cannot be changed from project config: ${e}.`),this.#o(r,t,e)},n=>this.#o(null,t,e,n))}loadBuiltinConfig(){return this.#c(c(this.npmPath,`npmrc`),`builtin`)}async loadProjectConfig(){if(await this.loadLocalPrefix(),this.localPackage??=await C(this.localPrefix,`package.json`),this.#i(`global`)===!0||this.#i(`location`)===`global`){this.data.get(`project`).source=`(global mode enabled, ignored)`,this.sources.set(this.data.get(`project`).source,`project`);return}let e=c(this.localPrefix,`.npmrc`);if(e!==this.#i(`userconfig`))return this.#c(e,`project`);this.data.get(`project`).source=`(same as "user" config, ignored)`,this.sources.set(this.data.get(`project`).source,`project`)}async loadLocalPrefix(){let e=this.#i(`prefix`,`cli`);if(e){this.localPrefix=e;return}let t=this.#i(`workspaces`,`cli`),n=this.#i(`global`)||this.#i(`location`)===`global`;for(let e of r(this.cwd)){if(this.excludeNpmCwd&&e===this.npmPath)break;let r=await C(e,`package.json`);if(!this.localPrefix&&(r||await w(e,`node_modules`))){if(this.localPrefix=e,this.localPackage=r,t===!1||n)return}else if(this.localPrefix&&r){let{content:t}=await de().normalize(e).catch(()=>({content:{}}));if(!t?.workspaces)continue;let n=await he()({cwd:e,pkg:t});for(let t of n.values())if(t===this.localPrefix){await C(this.localPrefix,`.npmrc`)&&o.warn(`config`,`ignoring workspace config at ${this.localPrefix}/.npmrc`);let{data:t}=this.data.get(`default`);t.workspace=[this.localPrefix],this.localPrefix=e,this.localPackage=r,o.info(`config`,`found workspace root at ${this.localPrefix}`);return}}}this.localPrefix||=this.cwd}loadUserConfig(){return this.#c(this.#i(`userconfig`),`user`)}loadGlobalConfig(){return this.#c(this.#i(`globalconfig`),`global`)}async save(e){if(!this.loaded)throw Error(`call config.load() before saving`);if(!j.has(e))throw Error(`invalid config location param: `+e);let t=this.data.get(e);if(t[V]=null,e===`user`){let e=D(this.get(`registry`)),t=this.get(`${e}:email`,`user`);t&&(this.delete(`${e}:email`,`user`),this.set(`email`,t,`user`))}let n=i.stringify(t.raw).trim()+`
`;if(!n.trim()){await y(t.source).catch(()=>{});return}let r=d(t.source);await x(r,{recursive:!0}),await g(t.source,n,`utf8`);let a=e===`user`?384:438;await _(t.source,a)}clearCredentialsByURI(e,t=`user`){let n=D(e);if(D(this.get(`registry`))===n){this.delete(`-authtoken`,t),this.delete(`_authToken`,t),this.delete(`_authtoken`,t),this.delete(`_auth`,t),this.delete(`_password`,t),this.delete(`username`,t);let e=this.get(`${n}:email`,t);e&&this.set(`email`,e,t)}this.delete(`${n}:_authToken`,t),this.delete(`${n}:_auth`,t),this.delete(`${n}:_password`,t),this.delete(`${n}:username`,t),this.delete(`${n}:email`,t),this.delete(`${n}:certfile`,t),this.delete(`${n}:keyfile`,t)}setCredentialsByURI(e,{token:t,username:n,password:r,certfile:i,keyfile:a}){let o=D(e);if(this.delete(`${o}:always-auth`,`user`),this.delete(`${o}:email`,`user`),i&&a&&(this.set(`${o}:certfile`,i,`user`),this.set(`${o}:keyfile`,a,`user`)),t)this.set(`${o}:_authToken`,t,`user`),this.delete(`${o}:_password`,`user`),this.delete(`${o}:username`,`user`);else if(n||r){if(!n)throw Error(`must include username`);if(!r)throw Error(`must include password`);this.delete(`${o}:_authToken`,`user`),this.set(`${o}:username`,n,`user`);let e=Buffer.from(r,`utf8`).toString(`base64`);this.set(`${o}:_password`,e,`user`)}else if(!i||!a)throw Error(`No credentials to set.`)}getCredentialsByURI(e){let t=D(e),n=D(this.get(`registry`)),r={},i=this.get(`${t}:email`)||this.get(`email`);i&&(t===n&&this.set(`email`,i,`user`),r.email=i);let a=this.get(`${t}:certfile`),o=this.get(`${t}:keyfile`);a&&o&&(r.certfile=a,r.keyfile=o);let s=this.get(`${t}:_authToken`);if(s)return r.token=s,r;let c=this.get(`${t}:username`),l=this.get(`${t}:_password`);if(c&&l){r.username=c,r.password=Buffer.from(l,`base64`).toString(`utf8`);let e=`${r.username}:${r.password}`;return r.auth=Buffer.from(e,`utf8`).toString(`base64`),r}let u=this.get(`${t}:_auth`);if(u){let e=Buffer.from(u,`base64`).toString(`utf8`).split(`:`);return r.username=e.shift(),r.password=e.join(`:`),r.auth=u,r}return r}setEnvs(){A(this)}removeWarning(e){this.#r=this.#r.filter(t=>t.type!==e)}getUnknownPositionals(){return this.#r.filter(e=>e.type.startsWith(`unknown:`)).map(e=>e.type.slice(8))}removeUnknownPositional(e){this.removeWarning(`unknown:${e}`)}queueWarning(e,...t){this.warn?o.warn(...t):this.#r.push({type:e,args:t})}logWarnings(){for(let e of this.#r)o.warn(...e.args);this.#r=[]}};let V=Symbol(`loadError`),H=Symbol(`valid`);var U=class{#e;#t=null;#n=null;constructor(e){this.#e=Object.create(e&&e.data),this.#n={},this[H]=!0}get data(){return this.#e}get valid(){return this[H]}set source(e){if(this.#t)throw Error(`cannot set ConfigData source more than once`);this.#t=e}get source(){return this.#t}set loadError(e){if(this[V]||Object.keys(this.#n).length)throw Error(`cannot set ConfigData loadError after load`);this[V]=e}get loadError(){return this[V]}set raw(e){if(Object.keys(this.#n).length||this[V])throw Error(`cannot set ConfigData raw after load`);this.#n=e}get raw(){return this.#n}};let W=e=>{let t={},n={},r={};for(let[i,a]of Object.entries(e))n[i]=a.default,t[i]=a.type,a.deprecated&&(r[i]=a.deprecated.trim().replace(/\n +/,`
`));return{types:t,defaults:n,deprecated:r}};n.exports=B,n.exports.getTypesFromDefinitions=W})),_e=t(((e,t)=>{let n=[`type`,`description`,`default`,`key`],r=[`default`,`defaultDescription`,`deprecated`,`description`,`exclusive`,`flatten`,`hint`,`key`,`short`,`type`,`typeDescription`,`usage`,`envExport`,`alias`,`required`],{semver:{type:i},Umask:{type:a},url:{type:o},path:{type:s}}=M();var c=class{constructor(e,t){this.key=e,this.envExport=!0,Object.assign(this,t),this.validate(),this.defaultDescription||=d(this.default),this.typeDescription||=u(this.type),this.hint||=this.type===Number?`<number>`:`<${this.key}>`,this.usage||=l(this)}validate(){for(let e of n)if(!Object.prototype.hasOwnProperty.call(this,e))throw Error(`config lacks ${e}: ${this.key}`);if(!this.key)throw Error(`config lacks key: ${this.key}`);for(let e of Object.keys(this))if(!r.includes(e))throw Error(`config defines unknown field ${e}: ${this.key}`)}describe(){let e=f(this.description),t=this.envExport?``:`
This value is not exported to the environment for child processes.
`,n=this.deprecated?`* DEPRECATED: ${f(this.deprecated)}\n`:``,r=this.exclusive?`\nThis config cannot be used with: \`${this.exclusive.join("`, `")}\``:``;return m(`#### \`${this.key}\`

* Default: ${f(this.defaultDescription)}
* Type: ${f(this.typeDescription)}
${n}
${e}
${r}
${t}`)}};let l=e=>{let t=``;if(!Array.isArray(e.type))return e.short&&(t=`-${e.short}|`),t=e.type===Boolean&&e.default!==!1?`${t}--no-${e.key}`:`${t}--${e.key}`,e.type!==Boolean&&(t=`${t} ${e.hint}`),t;t=`--${e.key}`,e.short&&(t=`-${e.short}|--${e.key}`);let n=e.type,r=n.includes(Array),i=n.includes(Boolean);if(n=n.filter(e=>e!==null&&e!==Array&&e!==Boolean),!n.length)return t;let a;a=n.some(e=>typeof e!=`string`)?e.hint:`<${n.filter(e=>e).join(`|`)}>`,i&&(t=`--no-${e.key}|${t}`);let o=`${t} ${a}`;return r?`${o} [${o} ...]`:o},u=e=>{if(Array.isArray(e)){let t=e.filter(e=>e!==Array).map(e=>u(e)),n=t.length>1?[t.pop()]:[],r=t.length>1?`, or `:` or `;return`${[t.join(`, `)].concat(n).join(r)}${e.includes(Array)?` (can be set multiple times)`:``}`}switch(e){case String:return`String`;case Number:return`Number`;case a:return`Octal numeric string in range 0000..0777 (0..511)`;case Boolean:return`Boolean`;case Date:return`Date`;case s:return`Path`;case i:return`SemVer string`;case o:return`URL`;default:return d(e)}},d=e=>typeof e==`string`?JSON.stringify(e):String(e),f=e=>{let t=e.match(/\n +/);return t?e.split(t[0]).join(`
`).trim():e.trim()},p=e=>{let t=Math.min(Math.max(20,process.stdout.columns)||80,80)-5;return f(e).split(/[ \n]+/).reduce((e,n)=>{let r=e.split(`
`).pop();return e+(r.length&&r.length+n.length>t?`
`:` `)+n})},m=e=>{let t=!1;return e.split(`

`).map(e=>t||e.startsWith("```")?(t=!e.endsWith("```"),e):e.charAt(0)===`*`?`* `+e.slice(1).trim().split(`
* `).map(e=>p(e).replace(/\n/g,`
  `)).join(`
* `):p(e)).join(`

`)};t.exports=c})),ve=t(((e,t)=>{t.exports=e=>{let t=[],n=Array.isArray(e)?e:typeof e==`string`?[e]:[];for(let e of n)if(typeof e==`string`)for(let n of e.split(`,`)){let e=n.trim();e&&t.push(e)}return t}})),ye=t(((t,n)=>{let r=_e(),i=ve(),a=x(),o=e(`node:querystring`),{join:s}=e(`node:path`),c=process.platform===`win32`,{readFileSync:l}=e(`node:fs`),u=e=>{try{return l(e,`utf8`)}catch(e){if(e.code!==`ENOENT`)throw e;return null}},d=e=>{let t=e.include||[],n=e.omit||[],r=e.only;return/^prod(uction)?$/.test(r)||e.production?n.push(`dev`):e.production===!1&&t.push(`dev`),/^dev/.test(e.also)&&t.push(`dev`),e.dev&&t.push(`dev`),e.optional===!1?n.push(`optional`):e.optional===!0&&t.push(`optional`),e.omit=[...new Set(n)].filter(e=>!t.includes(e)),e.include=[...new Set(t)],e.omit.includes(`dev`)&&(process.env.NODE_ENV=`production`),e.omit},f=process.env.EDITOR||process.env.VISUAL||(c?`${process.env.SYSTEMROOT}\\notepad.exe`:`vi`),p=c?process.env.ComSpec||`cmd`:process.env.SHELL||`sh`,{networkInterfaces:m}=e(`node:os`),h=()=>{try{return Object.values(m()).map(e=>e.map(({address:e})=>e)).reduce((e,t)=>e.concat(t),[null])}catch{return[null]}},g=/UTF-?8$/i.test(process.env.LC_ALL||process.env.LC_CTYPE||process.env.LANG),_=`${c&&process.env.LOCALAPPDATA||`~`}/${c?`npm-cache`:`.npm`}`,{semver:{type:v},Umask:{type:y},url:{type:b},path:{type:S}}=M(),C=(e,t,n)=>{let r=e.replace(/-([a-z])/g,(e,t)=>t.toUpperCase());n[r]=t[e]},w={_auth:new r(`_auth`,{default:null,type:[null,String],description:`
    A basic-auth string to use when authenticating against the npm registry.
    This will ONLY be used to authenticate against the npm registry.  For other
    registries you will need to scope it like "//other-registry.tld/:_auth"

    Warning: This should generally not be set via a command-line option.  It
    is safer to use a registry-provided authentication bearer token stored in
    the ~/.npmrc file by running \`npm login\`.
  `,flatten:C}),access:new r(`access`,{default:null,defaultDescription:`
    'public' for new packages, existing packages it will not change the current level
  `,type:[null,`restricted`,`public`,`private`],description:"\n    If you do not want your scoped package to be publicly viewable (and\n    installable) set `--access=restricted`.\n\n    Unscoped packages cannot be set to `restricted`.\n\n    Note: This defaults to not changing the current access level for existing\n    packages.  Specifying a value of `restricted` or `public` during\n    publish will change the access for an existing package the same way that\n    `npm access set status` would.\n\n    The value `private` is an alias for `restricted`.\n  ",flatten(e,t,n){let r=t[e];n.access=r===`private`?`restricted`:r}}),all:new r(`all`,{default:!1,type:Boolean,short:`a`,description:"\n    Show or act on all packages, not just the ones your project directly\n    depends on. For `npm outdated` and `npm ls` this lists every outdated\n    or installed package. For `npm approve-scripts` and `npm deny-scripts`\n    it selects every package with pending install scripts.\n  ",flatten:C}),"allow-same-version":new r(`allow-same-version`,{default:!1,type:Boolean,description:`
    Prevents throwing an error when \`npm version\` is used to set the new
    version to the same value as the current version.
  `,flatten:C}),"allow-directory":new r(`allow-directory`,{default:`all`,type:[`all`,`none`,`root`],description:`
      Limits the ability for npm to install dependencies from directories.
      That is, dependencies that point to a directory instead of a version or semver range.
      Please note that this could leave your tree incomplete and some packages may not function as intended or designed.
      Changing this setting will not remove dependencies that are already installed.

      \`all\` allows any directories to be installed.
      \`none\` prevents any directories from being installed.
      \`root\` only allows directories defined in your project's package.json to be installed.  Also allows directory dependencies to be used for other commands like \`npm view\`
  `,flatten:C}),"allow-file":new r(`allow-file`,{default:`all`,type:[`all`,`none`,`root`],description:`
      Limits the ability for npm to install dependencies from tarball files.
      That is, dependencies that point to a local tarball file instead of a version or semver range.
      Please note that this could leave your tree incomplete and some packages may not function as intended or designed.
      Changing this setting will not remove dependencies that are already installed.

      \`all\` allows any tarball file to be installed.
      \`none\` prevents any tarball file from being installed.
      \`root\` only allows tarball files defined in your project's package.json to be installed.  Also allows tarball file dependencies to be used for other commands like \`npm view\`
  `,flatten:C}),"allow-git":new r(`allow-git`,{default:`all`,type:[`all`,`none`,`root`],description:`
      Limits the ability for npm to fetch dependencies from git references.
      That is, dependencies that point to a git repo instead of a version or semver range.
      Please note that this could leave your tree incomplete and some packages may not function as intended or designed.
      Changing this setting will not remove dependencies that are already installed.

      \`all\` allows any git dependencies to be fetched and installed.
      \`none\` prevents any git dependencies from being fetched and installed.
      \`root\` only allows git dependencies defined in your project's package.json to be fetched and installed.  Also allows git dependencies to be fetched for other commands like \`npm view\`
  `,flatten:C}),"allow-remote":new r(`allow-remote`,{default:`all`,type:[`all`,`none`,`root`],description:`
      Limits the ability for npm to fetch dependencies from urls.
      That is, dependencies that point to a tarball url instead of a version or semver range.
      Please note that this could leave your tree incomplete and some packages may not function as intended or designed.
      Changing this setting will not remove dependencies that are already installed.

      \`all\` allows any url to be installed.
      \`none\` prevents any url from being installed.
      \`root\` only allows urls defined in your project's package.json to be installed.  Also allows url dependencies to be used for other commands like \`npm view\`
  `,flatten:C}),"allow-scripts":new r(`allow-scripts`,{default:``,type:[String,Array],hint:`<package-list>`,envExport:!1,description:"\n      Comma-separated list of packages whose install-time lifecycle scripts\n      (`preinstall`, `install`, `postinstall`, and `prepare` for\n      non-registry dependencies) are allowed to run.\n\n      This setting is intended for one-off and global contexts: `npm exec`,\n      `npx`, and `npm install -g`, where no project `package.json` is\n      involved. For team-wide policy in a project, use the `allowScripts`\n      field in `package.json` (which also supports explicit denials), or\n      configure it in `.npmrc`. Passing `--allow-scripts` on the command\n      line during a project-scoped `npm install`, `ci`, `update`, or\n      `rebuild` is an error.\n\n      Each name is matched against a dependency's resolved identity, not\n      against the package's self-reported name. `--ignore-scripts` and\n      `--dangerously-allow-all-scripts` both override this setting.\n  ",flatten(e,t,n){n.allowScripts=i(t[e])}}),also:new r(`also`,{default:null,type:[null,`dev`,`development`],description:"\n      When set to `dev` or `development`, this is an alias for\n      `--include=dev`.\n    ",deprecated:`Please use --include=dev instead.`,flatten(e,t,n){w.omit.flatten(`omit`,t,n)}}),audit:new r(`audit`,{default:!0,type:Boolean,description:`
      When "true" submit audit reports alongside the current npm command to the
      default registry and all registries configured for scopes.  See the
      documentation for [\`npm audit\`](/commands/npm-audit) for details on what
      is submitted.
    `,flatten:C}),"audit-level":new r(`audit-level`,{default:null,type:[null,`info`,`low`,`moderate`,`high`,`critical`,`none`],description:`
    The minimum level of vulnerability for \`npm audit\` to exit with
    a non-zero exit code.
    `,flatten:C}),"auth-type":new r(`auth-type`,{default:`web`,type:[`legacy`,`web`],description:"\n      What authentication strategy to use with `login`.\n      Note that if an `otp` config is given, this value will always be set to `legacy`.\n    ",flatten:C}),before:new r(`before`,{default:null,hint:`<date>`,type:[null,Date],description:"\n      If passed to `npm install`, will rebuild the npm tree such that only\n      versions that were available **on or before** the given date are\n      installed.  If there are no versions available for the current set of\n      dependencies, the command will error.\n\n      If the requested version is a `dist-tag` and the given tag does not\n      pass the `--before` filter, the most recent version less than or equal\n      to that tag will be used. For example, `foo@latest` might install\n      `foo@1.2` even though `latest` is `2.0`.\n\n      If `before` and `min-release-age` are both set in the same source,\n      `before` wins (an explicit absolute date overrides a relative window).\n      Across sources, the standard precedence applies (cli > env > project >\n      user > global), so a higher-priority source can always relax or\n      override a lower-priority one.\n\n      As with `min-release-age`, when this cutoff blocks a fix that\n      `npm audit fix` would install, npm keeps the vulnerable version, warns,\n      and exits with a non-zero code.\n\n      Packages whose names match `min-release-age-exclude` are exempt from\n      this filter.\n    ",flatten:C}),"bin-links":new r(`bin-links`,{default:!0,type:Boolean,description:`
      Tells npm to create symlinks (or \`.cmd\` shims on Windows) for package
      executables.

      Set to false to have it not do this.  This can be used to work around the
      fact that some file systems don't support symlinks, even on ostensibly
      Unix systems.
    `,flatten:C}),browser:new r(`browser`,{default:null,defaultDescription:'\n    macOS: `"open"`, Windows: `"start"`, Others: `"xdg-open"`\n    ',type:[null,Boolean,String],description:`
    The browser that is called by npm commands to open websites.

    Set to \`false\` to suppress browser behavior and instead print urls to
    terminal.

    Set to \`true\` to use default system URL opener.
    `,flatten:C}),"bypass-2fa":new r(`bypass-2fa`,{default:!1,type:Boolean,description:`
      When creating a Granular Access Token with \`npm token create\`,
      setting this to true will allow the token to bypass two-factor
      authentication. This is useful for automation and CI/CD workflows.
    `,flatten:C}),ca:new r(`ca`,{default:null,type:[null,String,Array],description:`
    The Certificate Authority signing certificate that is trusted for SSL
    connections to the registry. Values should be in PEM format (Windows
      calls it "Base-64 encoded X.509 (.CER)") with newlines replaced by the
    string "\\n". For example:

    \`\`\`ini
    ca="-----BEGIN CERTIFICATE-----\\nXXXX\\nXXXX\\n-----END CERTIFICATE-----"
    \`\`\`

    Set to \`null\` to only allow "known" registrars, or to a specific CA
    cert to trust only that specific signing authority.

    Multiple CAs can be trusted by specifying an array of certificates:

    \`\`\`ini
    ca[]="..."
    ca[]="..."
    \`\`\`

    See also the \`strict-ssl\` config.
  `,flatten:C}),cache:new r(`cache`,{default:_,defaultDescription:"\n      Windows: `%LocalAppData%\\npm-cache`, Posix: `~/.npm`\n    ",type:S,description:`
      The location of npm's cache directory.
    `,flatten(e,t,n){n.cache=s(t.cache,`_cacache`),n.npxCache=s(t.cache,`_npx`),n.tufCache=s(t.cache,`_tuf`)}}),"cache-max":new r(`cache-max`,{default:1/0,type:Number,description:"\n      `--cache-max=0` is an alias for `--prefer-online`\n    ",deprecated:`
      This option has been deprecated in favor of \`--prefer-online\`
    `,flatten(e,t,n){t[e]<=0&&(n.preferOnline=!0)}}),"cache-min":new r(`cache-min`,{default:0,type:Number,description:"\n      `--cache-min=9999 (or bigger)` is an alias for `--prefer-offline`.\n    ",deprecated:`
      This option has been deprecated in favor of \`--prefer-offline\`.
    `,flatten(e,t,n){t[e]>=9999&&(n.preferOffline=!0)}}),cafile:new r(`cafile`,{default:null,type:S,description:`
      A path to a file containing one or multiple Certificate Authority signing
      certificates. Similar to the \`ca\` setting, but allows for multiple
      CA's, as well as for the CA information to be stored in a file on disk.
    `,flatten(e,t,n){if(!t.cafile)return;let r=u(t.cafile);if(!r)return;let i=`-----END CERTIFICATE-----`;n.ca=r.replace(/\r\n/g,`
`).split(i).filter(e=>e.trim()).map(e=>e.trimLeft()+i)}}),call:new r(`call`,{default:``,type:String,short:`c`,description:'\n      Optional companion option for `npm exec`, `npx` that allows for\n      specifying a custom command to be run along with the installed packages.\n\n      ```bash\n      npm exec --package yo --package generator-node --call "yo node"\n      ```\n    ',flatten:C}),cert:new r(`cert`,{default:null,type:[null,String],description:`
      A client certificate to pass when accessing the registry.  Values should
      be in PEM format (Windows calls it "Base-64 encoded X.509 (.CER)") with
      newlines replaced by the string "\\n". For example:

      \`\`\`ini
      cert="-----BEGIN CERTIFICATE-----\\nXXXX\\nXXXX\\n-----END CERTIFICATE-----"
      \`\`\`

      It is _not_ the path to a certificate file, though you can set a registry-scoped
      "certfile" path like "//other-registry.tld/:certfile=/path/to/cert.pem".
    `,deprecated:"\n      `key` and `cert` are no longer used for most registry operations.\n      Use registry scoped `keyfile` and `certfile` instead.\n      Example:\n      //other-registry.tld/:keyfile=/path/to/key.pem\n      //other-registry.tld/:certfile=/path/to/cert.crt\n    ",flatten:C}),cidr:new r(`cidr`,{default:null,type:[null,String,Array],description:`
      This is a list of CIDR address to be used when configuring limited access
      tokens with the \`npm token create\` command.
    `,flatten:C}),color:new r(`color`,{default:!process.env.NO_COLOR||process.env.NO_COLOR===`0`,usage:`--color|--no-color|--color always`,defaultDescription:`
      true unless the NO_COLOR environ is set to something other than '0'
    `,type:[`always`,Boolean],description:`
      If false, never shows colors.  If \`"always"\` then always shows colors.
      If true, then only prints color codes for tty file descriptors.
    `,flatten(e,t,n){n.color=t.color?t.color===`always`||!!process.stdout.isTTY:!1,n.logColor=t.color?t.color===`always`||!!process.stderr.isTTY:!1}}),"commit-hooks":new r(`commit-hooks`,{default:!0,type:Boolean,description:`
      Run git commit hooks when using the \`npm version\` command.
    `,flatten:C}),cpu:new r(`cpu`,{default:null,type:[null,String],description:`
      Override CPU architecture of native modules to install.
      Acceptable values are same as \`cpu\` field of package.json,
      which comes from \`process.arch\`.
    `,flatten:C}),"dangerously-allow-all-scripts":new r(`dangerously-allow-all-scripts`,{default:!1,type:Boolean,description:`
      If \`true\`, bypass the \`allowScripts\` policy entirely and run every
      dependency install script regardless of whether it was approved or
      denied. Intended as a migration escape hatch only; its use is strongly
      discouraged. \`--ignore-scripts\` still takes precedence over this
      setting.
    `,flatten:C}),depth:new r(`depth`,{default:null,defaultDescription:"\n      `Infinity` if `--all` is set; otherwise, `0`\n    ",type:[null,Number],description:`
      The depth to go when recursing packages for \`npm ls\`.

      If not set, \`npm ls\` will show only the immediate dependencies of the
      root project.  If \`--all\` is set, then npm will show all dependencies
      by default.
    `,flatten:C}),description:new r(`description`,{default:!0,type:Boolean,usage:`--no-description`,description:`
      Show the description in \`npm search\`
    `,flatten(e,t,n){n.search=n.search||{limit:20},n.search[e]=t[e]}}),dev:new r(`dev`,{default:!1,type:Boolean,description:`
      Alias for \`--include=dev\`.
    `,deprecated:`Please use --include=dev instead.`,flatten(e,t,n){w.omit.flatten(`omit`,t,n)}}),diff:new r(`diff`,{default:[],hint:`<package-spec>`,type:[String,Array],description:`
      Define arguments to compare in \`npm diff\`.
    `,flatten:C}),"diff-ignore-all-space":new r(`diff-ignore-all-space`,{default:!1,type:Boolean,description:`
      Ignore whitespace when comparing lines in \`npm diff\`.
    `,flatten:C}),"diff-name-only":new r(`diff-name-only`,{default:!1,type:Boolean,description:`
      Prints only filenames when using \`npm diff\`.
    `,flatten:C}),"diff-no-prefix":new r(`diff-no-prefix`,{default:!1,type:Boolean,description:"\n      Do not show any source or destination prefix in `npm diff` output.\n\n      Note: this causes `npm diff` to ignore the `--diff-src-prefix` and\n      `--diff-dst-prefix` configs.\n    ",flatten:C}),"diff-dst-prefix":new r(`diff-dst-prefix`,{default:`b/`,hint:`<path>`,type:String,description:`
      Destination prefix to be used in \`npm diff\` output.
    `,flatten:C}),"diff-src-prefix":new r(`diff-src-prefix`,{default:`a/`,hint:`<path>`,type:String,description:`
      Source prefix to be used in \`npm diff\` output.
    `,flatten:C}),"diff-text":new r(`diff-text`,{default:!1,type:Boolean,description:`
      Treat all files as text in \`npm diff\`.
    `,flatten:C}),"diff-unified":new r(`diff-unified`,{default:3,type:Number,description:`
      The number of lines of context to print in \`npm diff\`.
    `,flatten:C}),"dry-run":new r(`dry-run`,{default:!1,type:Boolean,description:"\n      Indicates that you don't want npm to make any changes and that it should\n      only report what it would have done.  This can be passed into any of the\n      commands that modify your local installation, eg, `install`,\n      `update`, `dedupe`, `uninstall`, as well as `pack` and\n      `publish`.\n\n      Note: This is NOT honored by other network related commands, eg\n      `dist-tags`, `owner`, etc.\n    ",flatten:C}),editor:new r(`editor`,{default:f,defaultDescription:`
      The EDITOR or VISUAL environment variables, or '%SYSTEMROOT%\\notepad.exe' on Windows,
      or 'vi' on Unix systems
    `,type:String,description:"\n      The command to run for `npm edit` and `npm config edit`.\n    ",flatten:C}),"engine-strict":new r(`engine-strict`,{default:!1,type:Boolean,description:`
      If set to true, then npm will stubbornly refuse to install (or even
      consider installing) any package that claims to not be compatible with
      the current Node.js version.

      This can be overridden by setting the \`--force\` flag.
    `,flatten:C}),"expect-result-count":new r(`expect-result-count`,{default:null,type:[null,Number],hint:`<count>`,exclusive:[`expect-results`],description:`
      Tells to expect a specific number of results from the command.
    `}),"expect-results":new r(`expect-results`,{default:null,type:[null,Boolean],exclusive:[`expect-result-count`],description:`
      Tells npm whether or not to expect results from the command.
      Can be either true (expect some results) or false (expect no results).
    `}),expires:new r(`expires`,{default:null,type:[null,Number],description:`
      When creating a Granular Access Token with \`npm token create\`,
      this sets the expiration in days. If not specified, the server
      will determine the default expiration.
    `,flatten:C}),"fetch-retries":new r(`fetch-retries`,{default:2,type:Number,description:`
      The "retries" config for the \`retry\` module to use when fetching
      packages from the registry.

      npm will retry idempotent read requests to the registry in the case
      of network failures or 5xx HTTP errors.
    `,flatten(e,t,n){n.retry=n.retry||{},n.retry.retries=t[e]}}),"fetch-retry-factor":new r(`fetch-retry-factor`,{default:10,type:Number,description:`
      The "factor" config for the \`retry\` module to use when fetching
      packages.
    `,flatten(e,t,n){n.retry=n.retry||{},n.retry.factor=t[e]}}),"fetch-retry-maxtimeout":new r(`fetch-retry-maxtimeout`,{default:6e4,defaultDescription:`60000 (1 minute)`,type:Number,description:`
      The "maxTimeout" config for the \`retry\` module to use when fetching
      packages.
    `,flatten(e,t,n){n.retry=n.retry||{},n.retry.maxTimeout=t[e]}}),"fetch-retry-mintimeout":new r(`fetch-retry-mintimeout`,{default:1e4,defaultDescription:`10000 (10 seconds)`,type:Number,description:`
      The "minTimeout" config for the \`retry\` module to use when fetching
      packages.
    `,flatten(e,t,n){n.retry=n.retry||{},n.retry.minTimeout=t[e]}}),"fetch-timeout":new r(`fetch-timeout`,{default:3e5,defaultDescription:`300000 (5 minutes)`,type:Number,description:`
      The maximum amount of time to wait for HTTP requests to complete.
    `,flatten(e,t,n){n.timeout=t[e]}}),force:new r(`force`,{default:!1,type:Boolean,short:`f`,description:`
      Removes various protections against unfortunate side effects, common
      mistakes, unnecessary performance degradation, and malicious input.

      * Allow clobbering non-npm files in global installs.
      * Allow the \`npm version\` command to work on an unclean git repository.
      * Allow deleting the cache folder with \`npm cache clean\`.
      * Allow installing packages that have an \`engines\` declaration
        requiring a different version of npm.
      * Allow installing packages that have an \`engines\` declaration
        requiring a different version of \`node\`, even if \`--engine-strict\`
        is enabled.
      * Allow \`npm audit fix\` to install modules outside your stated
        dependency range (including SemVer-major changes).
      * Allow unpublishing all versions of a published package.
      * Allow conflicting peerDependencies to be installed in the root project.
      * Implicitly set \`--yes\` during \`npm init\`.
      * Allow clobbering existing values in \`npm pkg\`
      * Allow unpublishing of entire packages (not just a single version).

      If you don't have a clear idea of what you want to do, it is strongly
      recommended that you do not use this option!
    `,flatten:C}),"foreground-scripts":new r(`foreground-scripts`,{default:!1,defaultDescription:"`false` unless when using `npm pack` or `npm publish` where it\n    defaults to `true`",type:Boolean,description:`
      Run all build scripts (ie, \`preinstall\`, \`install\`, and
      \`postinstall\`) scripts for installed packages in the foreground
      process, sharing standard input, output, and error with the main npm
      process.

      Note that this will generally make installs run slower, and be much
      noisier, but can be useful for debugging.
    `,flatten:C}),"format-package-lock":new r(`format-package-lock`,{default:!0,type:Boolean,description:"\n      Format `package-lock.json` or `npm-shrinkwrap.json` as a human\n      readable file.\n    ",flatten:C}),fund:new r(`fund`,{default:!0,type:Boolean,description:`
      When "true" displays the message at the end of each \`npm install\`
      acknowledging the number of dependencies looking for funding.
      See [\`npm fund\`](/commands/npm-fund) for details.
    `,flatten:C}),git:new r(`git`,{default:`git`,type:String,description:`
      The command to use for git commands.  If git is installed on the
      computer, but is not in the \`PATH\`, then set this to the full path to
      the git binary.
    `,flatten:C}),"git-tag-version":new r(`git-tag-version`,{default:!0,type:Boolean,description:`
      Tag the commit when using the \`npm version\` command.  Setting this to
      false results in no commit being made at all.
    `,flatten:C}),global:new r(`global`,{default:!1,type:Boolean,short:`g`,description:`
      Operates in "global" mode, so that packages are installed into the
      \`prefix\` folder instead of the current working directory.  See
      [folders](/configuring-npm/folders) for more on the differences in
      behavior.

      * packages are installed into the \`{prefix}/lib/node_modules\` folder,
        instead of the current working directory.
      * bin files are linked to \`{prefix}/bin\`
      * man pages are linked to \`{prefix}/share/man\`
    `,flatten:(e,t,n)=>{C(e,t,n),n.global&&(n.location=`global`)}}),globalconfig:new r(`globalconfig`,{type:S,default:``,defaultDescription:`
      The global --prefix setting plus 'etc/npmrc'. For example,
      '/usr/local/etc/npmrc'
    `,description:`
      The config file to read for global config options.
    `,flatten:C}),"global-style":new r(`global-style`,{default:!1,type:Boolean,description:`
      Only install direct dependencies in the top level \`node_modules\`,
      but hoist on deeper dependencies.
      Sets \`--install-strategy=shallow\`.
    `,deprecated:`
      This option has been deprecated in favor of \`--install-strategy=shallow\`
    `,flatten(e,t,n){t[e]&&(t[`install-strategy`]=`shallow`,n.installStrategy=`shallow`)}}),heading:new r(`heading`,{default:`npm`,type:String,description:`
      The string that starts all the debugging log output.
    `,flatten:C}),"https-proxy":new r(`https-proxy`,{default:null,type:[null,b],description:"\n      A proxy to use for outgoing https requests. If the `HTTPS_PROXY` or\n      `https_proxy` or `HTTP_PROXY` or `http_proxy` environment variables\n      are set, proxy settings will be honored by the underlying\n      `make-fetch-happen` library.\n    ",flatten:C}),"if-present":new r(`if-present`,{default:!1,type:Boolean,envExport:!1,description:`
      If true, npm will not exit with an error code when \`run\` is
      invoked for a script that isn't defined in the \`scripts\` section of
      \`package.json\`. This option can be used when it's desirable to
      optionally run a script when it's present and fail if the script fails.
      This is useful, for example, when running scripts that may only apply for
      some builds in an otherwise generic CI setup.
    `,flatten:C}),"ignore-scripts":new r(`ignore-scripts`,{default:!1,type:Boolean,description:"\n      If true, npm does not run scripts specified in package.json files.\n\n      Note that commands explicitly intended to run a particular script, such\n      as `npm start`, `npm stop`, `npm restart`, `npm test`, and `npm\n      run` will still run their intended script if `ignore-scripts` is\n      set, but they will *not* run any pre- or post-scripts.\n    ",flatten:C}),include:new r(`include`,{default:[],type:[Array,`prod`,`dev`,`optional`,`peer`],description:`
      Option that allows for defining which types of dependencies to install.

      This is the inverse of \`--omit=<type>\`.

      Dependency types specified in \`--include\` will not be omitted,
      regardless of the order in which omit/include are specified on the
      command-line.
    `,flatten(e,t,n){w.omit.flatten(`omit`,t,n)}}),"include-staged":new r(`include-staged`,{default:!1,type:Boolean,description:`
      Allow installing "staged" published packages, as defined by [npm RFC PR
      #92](https://github.com/npm/rfcs/pull/92).

      This is experimental, and not implemented by the npm public registry.
    `,flatten:C}),"include-workspace-root":new r(`include-workspace-root`,{default:!1,type:Boolean,envExport:!1,description:`
      Include the workspace root when workspaces are enabled for a command.

      When false, specifying individual workspaces via the \`workspace\` config,
      or all workspaces via the \`workspaces\` flag, will cause npm to operate only
      on the specified workspaces, and not on the root project.
    `,flatten:C}),"include-attestations":new r(`include-attestations`,{default:!1,type:Boolean,description:`
      When used with \`npm audit signatures --json\`, includes the full
      sigstore attestation bundles in the JSON output for each verified
      package. The bundles contain DSSE envelopes, verification material,
      and transparency log entries.
    `,flatten:C}),"init-author-email":new r(`init-author-email`,{default:``,hint:`<email>`,type:String,description:`
      The value \`npm init\` should use by default for the package author's
      email.
    `}),"init-author-name":new r(`init-author-name`,{default:``,hint:`<name>`,type:String,description:`
      The value \`npm init\` should use by default for the package author's name.
    `}),"init-author-url":new r(`init-author-url`,{default:``,type:[``,b],hint:`<url>`,description:`
      The value \`npm init\` should use by default for the package author's homepage.
    `}),"init-license":new r(`init-license`,{default:`ISC`,hint:`<license>`,type:String,description:`
      The value \`npm init\` should use by default for the package license.
    `}),"init-module":new r(`init-module`,{default:`~/.npm-init.js`,type:S,hint:`<module>`,description:`
      A module that will be loaded by the \`npm init\` command.  See the
      documentation for the
      [init-package-json](https://github.com/npm/init-package-json) module for
      more information, or [npm init](/commands/npm-init).
    `}),"init-type":new r(`init-type`,{default:`commonjs`,type:String,hint:`<type>`,description:`
      The value that \`npm init\` should use by default for the package.json type field.
    `}),"init-version":new r(`init-version`,{default:`1.0.0`,type:v,hint:`<version>`,description:`
      The value that \`npm init\` should use by default for the package
      version number, if not already set in package.json.
    `}),"init-private":new r(`init-private`,{default:!1,type:Boolean,description:`
      The value \`npm init\` should use by default for the package's private flag.
    `,flatten:C}),"init.author.email":new r(`init.author.email`,{default:``,type:String,deprecated:"\n      Use `--init-author-email` instead.",description:`
      Alias for \`--init-author-email\`
    `}),"init.author.name":new r(`init.author.name`,{default:``,type:String,deprecated:`
      Use \`--init-author-name\` instead.
    `,description:`
      Alias for \`--init-author-name\`
    `}),"init.author.url":new r(`init.author.url`,{default:``,type:[``,b],deprecated:`
      Use \`--init-author-url\` instead.
    `,description:`
      Alias for \`--init-author-url\`
    `}),"init.license":new r(`init.license`,{default:`ISC`,type:String,deprecated:`
      Use \`--init-license\` instead.
    `,description:`
      Alias for \`--init-license\`
    `}),"init.module":new r(`init.module`,{default:`~/.npm-init.js`,type:S,deprecated:`
      Use \`--init-module\` instead.
    `,description:`
      Alias for \`--init-module\`
    `}),"init.version":new r(`init.version`,{default:`1.0.0`,type:v,deprecated:`
      Use \`--init-version\` instead.
    `,description:`
      Alias for \`--init-version\`
    `}),"install-links":new r(`install-links`,{default:!1,type:Boolean,description:`
      When set file: protocol dependencies will be packed and installed as
      regular dependencies instead of creating a symlink. This option has
      no effect on workspaces.
    `,flatten:C}),"install-strategy":new r(`install-strategy`,{default:`hoisted`,type:[`hoisted`,`nested`,`shallow`,`linked`],description:`
      Sets the strategy for installing packages in node_modules.
      hoisted (default): Install non-duplicated in top-level, and duplicated as
        necessary within directory structure.
      nested: (formerly --legacy-bundling) install in place, no hoisting.
      shallow (formerly --global-style) only install direct deps at top-level.
      linked: install in node_modules/.store, link in place, unhoisted.

      We recommend that package authors use \`--install-strategy=linked\`
      during development to catch undeclared ("phantom") dependencies before
      publishing: the isolated layout only exposes a package's declared
      dependencies, so an \`import\` of a package that was never added to
      \`package.json\` can fail instead of resolving by accident and shipping
      broken. See [Catching undeclared ("phantom")
      dependencies](/using-npm/developers#catching-undeclared-phantom-dependencies).
    `,flatten:C}),json:new r(`json`,{default:!1,type:Boolean,description:`
      Whether or not to output JSON data, rather than the normal output.

      * In \`npm pkg set\` it enables parsing set values with JSON.parse()
      before saving them to your \`package.json\`.

      Not supported by all npm commands.
    `,flatten:C}),key:new r(`key`,{default:null,type:[null,String],description:`
      A client key to pass when accessing the registry.  Values should be in
      PEM format with newlines replaced by the string "\\n". For example:

      \`\`\`ini
      key="-----BEGIN PRIVATE KEY-----\\nXXXX\\nXXXX\\n-----END PRIVATE KEY-----"
      \`\`\`

      It is _not_ the path to a key file, though you can set a registry-scoped
      "keyfile" path like "//other-registry.tld/:keyfile=/path/to/key.pem".
    `,deprecated:"\n      `key` and `cert` are no longer used for most registry operations.\n      Use registry scoped `keyfile` and `certfile` instead.\n      Example:\n      //other-registry.tld/:keyfile=/path/to/key.pem\n      //other-registry.tld/:certfile=/path/to/cert.crt\n    ",flatten:C}),"legacy-bundling":new r(`legacy-bundling`,{default:!1,type:Boolean,description:`
      Instead of hoisting package installs in \`node_modules\`, install packages
      in the same manner that they are depended on. This may cause very deep
      directory structures and duplicate package installs as there is no
      de-duplicating.
      Sets \`--install-strategy=nested\`.
    `,deprecated:`
      This option has been deprecated in favor of \`--install-strategy=nested\`
    `,flatten(e,t,n){t[e]&&(t[`install-strategy`]=`nested`,n.installStrategy=`nested`)}}),"legacy-peer-deps":new r(`legacy-peer-deps`,{default:!1,type:Boolean,description:"\n      Causes npm to completely ignore `peerDependencies` when building a\n      package tree, as in npm versions 3 through 6.\n\n      If a package cannot be installed because of overly strict\n      `peerDependencies` that collide, it provides a way to move forward\n      resolving the situation.\n\n      This differs from `--omit=peer`, in that `--omit=peer` will avoid\n      unpacking `peerDependencies` on disk, but will still design a tree such\n      that `peerDependencies` _could_ be unpacked in a correct place.\n\n      Use of `legacy-peer-deps` is not recommended, as it will not enforce\n      the `peerDependencies` contract that meta-dependencies may rely on.\n    ",flatten:C}),libc:new r(`libc`,{default:null,type:[null,String],description:`
      Override libc of native modules to install.
      Acceptable values are same as \`libc\` field of package.json
    `,flatten:C}),link:new r(`link`,{default:!1,type:Boolean,description:`
      Used with \`npm ls\`, limiting output to only those packages that are
      linked.
    `}),"local-address":new r(`local-address`,{default:null,type:h(),typeDescription:`IP Address`,description:`
      The IP address of the local interface to use when making connections to
      the npm registry.  Must be IPv4 in versions of Node prior to 0.12.
    `,flatten:C}),location:new r(`location`,{default:`user`,short:`L`,type:[`global`,`user`,`project`],defaultDescription:`
      "user" unless \`--global\` is passed, which will also set this value to "global"
    `,description:`
      When passed to \`npm config\` this refers to which config file to use.

      When set to "global" mode, packages are installed into the \`prefix\` folder
      instead of the current working directory. See
      [folders](/configuring-npm/folders) for more on the differences in behavior.

      * packages are installed into the \`{prefix}/lib/node_modules\` folder,
        instead of the current working directory.
      * bin files are linked to \`{prefix}/bin\`
      * man pages are linked to \`{prefix}/share/man\`
    `,flatten:(e,t,n)=>{C(e,t,n),n.global&&(n.location=`global`),t.location===`global`&&(n.global=!0)}}),"lockfile-version":new r(`lockfile-version`,{default:null,type:[null,1,2,3,`1`,`2`,`3`],defaultDescription:`
      Version 3 if no lockfile, auto-converting v1 lockfiles to v3; otherwise,
      maintain current lockfile version.`,description:`
      Set the lockfile format version to be used in package-lock.json and
      npm-shrinkwrap-json files.  Possible options are:

      1: The lockfile version used by npm versions 5 and 6.  Lacks some data that
      is used during the install, resulting in slower and possibly less
      deterministic installs.  Prevents lockfile churn when interoperating with
      older npm versions.

      2: The default lockfile version used by npm version 7 and 8.  Includes both
      the version 1 lockfile data and version 3 lockfile data, for maximum
      determinism and interoperability, at the expense of more bytes on disk.

      3: Only the new lockfile information introduced in npm version 7.  Smaller
      on disk than lockfile version 2, but not interoperable with older npm
      versions.  Ideal if all users are on npm version 7 and higher.
    `,flatten:(e,t,n)=>{n.lockfileVersion=t[e]&&parseInt(t[e],10)}}),loglevel:new r(`loglevel`,{default:`notice`,type:[`silent`,`error`,`warn`,`notice`,`http`,`info`,`verbose`,`silly`],description:`
      What level of logs to report.  All logs are written to a debug log,
      with the path to that file printed if the execution of a command fails.

      Any logs of a higher level than the setting are shown. The default is
      "notice".

      See also the \`foreground-scripts\` config.
    `,flatten(e,t,n){n.silent=t[e]===`silent`}}),"logs-dir":new r(`logs-dir`,{default:null,type:[null,S],defaultDescription:`
      A directory named \`_logs\` inside the cache
  `,description:`
      The location of npm's log directory.  See [\`npm
      logging\`](/using-npm/logging) for more information.
    `}),"logs-max":new r(`logs-max`,{default:10,type:Number,description:`
      The maximum number of log files to store.

      If set to 0, no log files will be written for the current run.
    `}),long:new r(`long`,{default:!1,type:Boolean,short:`l`,description:"\n      Show extended information in `ls`, `search`, and `help-search`.\n    "}),name:new r(`name`,{default:null,type:[null,String],hint:`<name>`,description:`
      When creating a Granular Access Token with \`npm token create\`,
      this sets the name/description for the token.
    `,flatten:C}),maxsockets:new r(`maxsockets`,{default:15,type:Number,description:`
      The maximum number of connections to use per origin (protocol/host/port
      combination).
    `,flatten(e,t,n){n.maxSockets=t[e]}}),message:new r(`message`,{default:`%s`,type:String,short:`m`,description:`
      Commit message which is used by \`npm version\` when creating version commit.

      Any "%s" in the message will be replaced with the version number.
    `,flatten:C}),"min-release-age":new r(`min-release-age`,{default:null,hint:`<days>`,type:[null,Number],envExport:!1,description:"\n       If set, npm will build the npm tree such that only versions that were\n       available more than the given number of days ago will be installed.  If\n       there are no versions available for the current set of dependencies, the\n       command will error.\n\n       This flag is a complement to `before`, which accepts an exact date\n       instead of a relative number of days. The two may coexist (e.g.\n       `min-release-age` in your `.npmrc` is preserved when npm internally\n       spawns a sub-process with `--before` while preparing a `git:` or\n       `github:` dependency); when both apply, `before` wins within a\n       single source and across sources the standard precedence rules apply.\n\n       When this window stops `npm audit fix` from installing a patched\n       version (because the fix was published too recently), npm keeps the\n       package at its vulnerable version, warns that the fix was blocked, and\n       exits with a non-zero code. To install the fix, add the package to\n       `min-release-age-exclude`, or relax `min-release-age` or `before`.\n\n       Packages whose names match `min-release-age-exclude` are exempt from\n       this filter.\n    ",flatten:(e,t,n)=>{let r=t[`min-release-age`];r!=null&&!Object.hasOwn(t,`before`)&&(n.before=r?new Date(Date.now()-864e5*r):null)}}),"min-release-age-exclude":new r(`min-release-age-exclude`,{default:[],hint:`<pkg|glob>`,type:[Array,String],envExport:!1,description:`
       A list of package names or \`minimatch\` glob patterns that are exempt
       from the \`min-release-age\` (and \`before\`) filter. A matching package
       can always resolve to its newest version, even when a release-age window
       is set.

       For example, to apply a release-age window to third-party dependencies
       while letting internally maintained packages update immediately:

       \`\`\`
       min-release-age=7
       min-release-age-exclude[]=@myorg/*
       min-release-age-exclude[]=my-internal-pkg
       \`\`\`

       Only the named package is exempt; its own dependencies still follow the
       release-age policy unless they also match a pattern. Patterns match
       against the package name, so \`@myorg/*\` matches \`@myorg/shared-utils\`.

       Excluding a package does not change which registry it is fetched from. You
       should own your private scope on the public registry so that nobody else
       can publish a package with the same name.
    `,flatten:(e,t,n)=>{let r=t[e].flatMap(e=>String(e).split(`,`)).map(e=>e.trim()).filter(Boolean);n.minReleaseAgeExclude=[...new Set(r)]}}),"node-gyp":new r(`node-gyp`,{default:(()=>{try{return e.resolve(`node-gyp/bin/node-gyp.js`)}catch{return``}})(),defaultDescription:`
      The path to the node-gyp bin that ships with npm
    `,type:S,description:`
      This is the location of the "node-gyp" bin.  By default it uses one that ships with npm itself.

      You can use this config to specify your own "node-gyp" to run when it is required to build a package.
    `,flatten:C}),"node-options":new r(`node-options`,{default:null,type:[null,String],description:`
      Options to pass through to Node.js via the \`NODE_OPTIONS\` environment
      variable.  This does not impact how npm itself is executed but it does
      impact how lifecycle scripts are called.
    `}),noproxy:new r(`noproxy`,{default:``,defaultDescription:`
      The value of the NO_PROXY environment variable
    `,type:[String,Array],description:`
      Domain extensions that should bypass any proxies.

      Also accepts a comma-delimited string.
    `,flatten(e,t,n){n.noProxy=Array.isArray(t[e])?t[e].join(`,`):t[e]}}),offline:new r(`offline`,{default:!1,type:Boolean,description:`
      Force offline mode: no network requests will be done during install. To allow
      the CLI to fill in missing cache data, see \`--prefer-offline\`.
    `,flatten:C}),omit:new r(`omit`,{default:process.env.NODE_ENV===`production`?[`dev`]:[],defaultDescription:`
      'dev' if the \`NODE_ENV\` environment variable is set to 'production';
      otherwise, empty.
    `,type:[Array,`dev`,`optional`,`peer`],description:"\n      Dependency types to omit from the installation tree on disk.\n\n      Note that these dependencies _are_ still resolved and added to the\n      `package-lock.json` or `npm-shrinkwrap.json` file.  They are just\n      not physically installed on disk.\n\n      If a package type appears in both the `--include` and `--omit`\n      lists, then it will be included.\n\n      If the resulting omit list includes `'dev'`, then the `NODE_ENV`\n      environment variable will be set to `'production'` for all lifecycle\n      scripts.\n    ",flatten(e,t,n){n.omit=d(t)}}),"omit-lockfile-registry-resolved":new r(`omit-lockfile-registry-resolved`,{default:!1,type:Boolean,description:`
      This option causes npm to create lock files without a \`resolved\` key for
      registry dependencies. Subsequent installs will need to resolve tarball
      endpoints with the configured registry, likely resulting in a longer install
      time.
    `,flatten:C}),only:new r(`only`,{default:null,type:[null,`prod`,`production`],deprecated:`
      Use \`--omit=dev\` to omit dev dependencies from the install.
    `,description:"\n      When set to `prod` or `production`, this is an alias for\n      `--omit=dev`.\n    ",flatten(e,t,n){w.omit.flatten(`omit`,t,n)}}),orgs:new r(`orgs`,{default:null,type:[null,String,Array],description:`
      When creating a Granular Access Token with \`npm token create\`,
      this limits the token access to specific organizations.
    `,flatten:C}),optional:new r(`optional`,{default:null,type:[null,Boolean],deprecated:`
      Use \`--omit=optional\` to exclude optional dependencies, or
      \`--include=optional\` to include them.

      Default value does install optional deps unless otherwise omitted.
    `,description:`
      Alias for --include=optional or --omit=optional
    `,flatten(e,t,n){w.omit.flatten(`omit`,t,n)}}),os:new r(`os`,{default:null,type:[null,String],description:`
      Override OS of native modules to install.
      Acceptable values are same as \`os\` field of package.json,
      which comes from \`process.platform\`.
    `,flatten:C}),otp:new r(`otp`,{default:null,type:[null,String],description:`
      This is a one-time password from a two-factor authenticator.  It's needed
      when publishing or changing package permissions with \`npm access\`.

      If not set, and a registry response fails with a challenge for a one-time
      password, npm will prompt on the command line for one.
    `,flatten(e,t,n){C(e,t,n),t.otp&&(t[`auth-type`]=`legacy`,C(`auth-type`,t,n))}}),package:new r(`package`,{default:[],hint:`<package-spec>`,type:[String,Array],description:`
      The package or packages to install for [\`npm exec\`](/commands/npm-exec)
    `,flatten:C}),"package-lock":new r(`package-lock`,{default:!0,type:Boolean,description:"\n      If set to false, then ignore `package-lock.json` files when installing.\n      This will also prevent _writing_ `package-lock.json` if `save` is\n      true.\n    ",flatten:(e,t,n)=>{C(e,t,n),n.packageLockOnly&&(n.packageLock=!0)}}),"package-lock-only":new r(`package-lock-only`,{default:!1,type:Boolean,description:"\n      If set to true, the current operation will only use the `package-lock.json`,\n      ignoring `node_modules`.\n\n      For `update` this means only the `package-lock.json` will be updated,\n      instead of checking `node_modules` and downloading dependencies.\n\n      For `list` this means the output will be based on the tree described by the\n      `package-lock.json`, rather than the contents of `node_modules`.\n    ",flatten:(e,t,n)=>{C(e,t,n),n.packageLockOnly&&(n.packageLock=!0)}}),"pack-destination":new r(`pack-destination`,{default:`.`,type:String,description:`
      Directory in which \`npm pack\` will save tarballs.
    `,flatten:C}),packages:new r(`packages`,{default:[],type:[null,String,Array],description:`
      When creating a Granular Access Token with \`npm token create\`,
      this limits the token access to specific packages.
    `,flatten:C}),parseable:new r(`parseable`,{default:!1,type:Boolean,short:`p`,description:`
      Output parseable results from commands that write to standard output. For
      \`npm search\`, this will be tab-separated table format.
    `,flatten:C}),"allow-scripts-pending":new r(`allow-scripts-pending`,{default:!1,type:Boolean,description:"\n      List packages with install scripts that are not yet covered by the\n      `allowScripts` policy, without modifying `package.json`. Only\n      meaningful for `npm approve-scripts`.\n    ",flatten:C}),"allow-scripts-pin":new r(`allow-scripts-pin`,{default:!0,type:Boolean,description:"\n      Write pinned (`pkg@version`) entries when approving install scripts.\n      Set to `false` to write name-only entries that allow any version.\n      Has no effect on `npm deny-scripts`, which always writes name-only\n      entries regardless of this setting.\n    ",flatten:C}),"prefer-dedupe":new r(`prefer-dedupe`,{default:!1,type:Boolean,description:`
      Prefer to deduplicate packages if possible, rather than
      choosing a newer version of a dependency.
    `,flatten:C}),"prefer-offline":new r(`prefer-offline`,{default:!1,type:Boolean,description:`
      If true, staleness checks for cached data will be bypassed, but missing
      data will be requested from the server. To force full offline mode, use
      \`--offline\`.
    `,flatten:C}),"prefer-online":new r(`prefer-online`,{default:!1,type:Boolean,description:`
      If true, staleness checks for cached data will be forced, making the CLI
      look for updates immediately even for fresh package data.
    `,flatten:C}),prefix:new r(`prefix`,{type:S,short:`C`,default:``,defaultDescription:`
      In global mode, the folder where the node executable is installed.
      Otherwise, the nearest parent folder containing either a package.json
      file or a node_modules folder.
    `,description:`
      The location to install global items.  If set on the command line, then
      it forces non-global commands to run in the specified folder.
    `}),preid:new r(`preid`,{default:``,hint:`prerelease-id`,type:String,description:'\n      The "prerelease identifier" to use as a prefix for the "prerelease" part\n      of a semver. Like the `rc` in `1.2.0-rc.8`.\n    ',flatten:C}),production:new r(`production`,{default:null,type:[null,Boolean],deprecated:"Use `--omit=dev` instead.",description:"Alias for `--omit=dev`",flatten(e,t,n){w.omit.flatten(`omit`,t,n)}}),progress:new r(`progress`,{default:!(a.isCI||!process.stderr.isTTY||!process.stdout.isTTY||process.env.TERM===`dumb`),defaultDescription:`
      \`true\` when not in CI and both stderr and stdout are TTYs and not in a dumb terminal
    `,type:Boolean,description:"\n      When set to `true`, npm will display a progress bar during time\n      intensive operations, if `process.stderr` and `process.stdout` are a TTY.\n\n      Set to `false` to suppress the progress bar.\n    ",flatten(e,t,n){n.progress=!!t.progress&&!!process.stderr.isTTY&&!!process.stdout.isTTY&&process.env.TERM!==`dumb`}}),provenance:new r(`provenance`,{default:!1,type:Boolean,exclusive:[`provenance-file`],description:`
      When publishing from a supported cloud CI/CD system, the package will be
      publicly linked to where it was built and published from.

      When the \`provenance-file\` config is set, it takes precedence and
      automatic provenance generation (including via trusted publishing/OIDC)
      is skipped.
    `,flatten:C}),"provenance-file":new r(`provenance-file`,{default:null,type:S,hint:`<file>`,exclusive:[`provenance`],description:`
      When publishing, the provenance bundle at the given path will be used.

      This takes precedence over automatic provenance generation in trusted
      publishing flows.
    `,flatten:C}),proxy:new r(`proxy`,{default:null,type:[null,!1,b],description:"\n      A proxy to use for outgoing http requests. If the `HTTP_PROXY` or\n      `http_proxy` environment variables are set, proxy settings will be\n      honored by the underlying `request` library.\n    ",flatten:C}),"read-only":new r(`read-only`,{default:!1,type:Boolean,description:`
      This is used to mark a token as unable to publish when configuring
      limited access tokens with the \`npm token create\` command.
    `,flatten:C}),"rebuild-bundle":new r(`rebuild-bundle`,{default:!0,type:Boolean,description:`
      Rebuild bundled dependencies after installation.
    `,flatten:C}),registry:new r(`registry`,{default:`https://registry.npmjs.org/`,type:b,description:`
      The base URL of the npm registry.
    `,flatten:C}),"replace-registry-host":new r(`replace-registry-host`,{default:`npmjs`,hint:`<npmjs|never|always> | hostname | url`,type:[`npmjs`,`never`,`always`,String],description:`
      Defines behavior for replacing the registry host in a lockfile with the
      configured registry.

      The default behavior is to replace package dist URLs from the default
      registry (https://registry.npmjs.org) to the configured registry. If set to
      "never", then use the registry value. If set to "always", then replace the
      registry host with the configured host every time.

      You may also specify a bare hostname (e.g., "registry.npmjs.org") to only
      replace URLs coming from that host.

      You may also specify a full URL including a path (e.g.,
      "https://old-registry.example.com/npm/path"). In that case, resolved URLs
      whose host and path begin with that prefix will have the entire prefix
      replaced with the configured registry URL (host and path), without
      duplicating path segments.
    `,flatten:C}),save:new r(`save`,{default:!0,defaultDescription:"`true` unless when using `npm update` where it\n    defaults to `false`",usage:`-S|--save|--no-save|--save-prod|--save-dev|--save-optional|--save-peer|--save-bundle`,type:Boolean,short:`S`,description:"\n      Save installed packages to a `package.json` file as dependencies.\n\n      When used with the `npm rm` command, removes the dependency from\n      `package.json`.\n\n      Will also prevent writing to `package-lock.json` if set to `false`.\n    ",flatten:C}),"save-bundle":new r(`save-bundle`,{default:!1,type:Boolean,short:`B`,description:"\n      If a package would be saved at install time by the use of `--save`,\n      `--save-dev`, or `--save-optional`, then also put it in the\n      `bundleDependencies` list.\n\n      Ignored if `--save-peer` is set, since peerDependencies cannot be bundled.\n    ",flatten(e,t,n){n.saveBundle=t[`save-bundle`]&&!t[`save-peer`]}}),"save-dev":new r(`save-dev`,{default:!1,type:Boolean,short:`D`,exclusive:[`save-optional`,`save-peer`,`save-prod`],description:`
      Save installed packages to a package.json file as \`devDependencies\`.
    `,flatten(e,t,n){t[e]?n.saveType=`dev`:n.saveType===`dev`&&delete n.saveType}}),"save-exact":new r(`save-exact`,{default:!1,type:Boolean,short:`E`,description:`
      Dependencies saved to package.json will be configured with an exact
      version rather than using npm's default semver range operator.
    `,flatten(e,t,n){w[`save-prefix`].flatten(`save-prefix`,t,n)}}),"save-optional":new r(`save-optional`,{default:!1,type:Boolean,short:`O`,exclusive:[`save-dev`,`save-peer`,`save-prod`],description:`
      Save installed packages to a package.json file as
      \`optionalDependencies\`.
    `,flatten(e,t,n){t[e]?n.saveType!==`peerOptional`&&(n.saveType=n.saveType===`peer`?`peerOptional`:`optional`):n.saveType===`optional`?delete n.saveType:n.saveType===`peerOptional`&&(n.saveType=`peer`)}}),"save-peer":new r(`save-peer`,{default:!1,type:Boolean,exclusive:[`save-dev`,`save-optional`,`save-prod`],description:`
      Save installed packages to a package.json file as \`peerDependencies\`
    `,flatten(e,t,n){t[e]?n.saveType!==`peerOptional`&&(n.saveType=n.saveType===`optional`?`peerOptional`:`peer`):n.saveType===`peer`?delete n.saveType:n.saveType===`peerOptional`&&(n.saveType=`optional`)}}),"save-prefix":new r(`save-prefix`,{default:`^`,type:String,description:"\n      Configure how versions of packages installed to a package.json file via\n      `--save` or `--save-dev` get prefixed.\n\n      For example if a package has version `1.2.3`, by default its version is\n      set to `^1.2.3` which allows minor upgrades for that package, but after\n      `npm config set save-prefix='~'` it would be set to `~1.2.3` which\n      only allows patch upgrades.\n    ",flatten(e,t,n){n.savePrefix=t[`save-exact`]?``:t[`save-prefix`],t[`save-prefix`]=n.savePrefix}}),"save-prod":new r(`save-prod`,{default:!1,type:Boolean,short:`P`,exclusive:[`save-dev`,`save-optional`,`save-peer`],description:"\n      Save installed packages into `dependencies` specifically. This is\n      useful if a package already exists in `devDependencies` or\n      `optionalDependencies`, but you want to move it to be a non-optional\n      production dependency.\n\n      This is the default behavior if `--save` is true, and neither\n      `--save-dev` or `--save-optional` are true.\n    ",flatten(e,t,n){t[e]?n.saveType=`prod`:n.saveType===`prod`&&delete n.saveType}}),"sbom-format":new r(`sbom-format`,{default:null,type:[`cyclonedx`,`spdx`],description:`
      SBOM format to use when generating SBOMs.
    `,flatten:C}),"sbom-type":new r(`sbom-type`,{default:`library`,type:[`library`,`application`,`framework`],description:`
      The type of package described by the generated SBOM. For SPDX, this is the
      value for the \`primaryPackagePurpose\` field. For CycloneDX, this is the
      value for the \`type\` field.
    `,flatten:C}),scope:new r(`scope`,{default:``,defaultDescription:`
      the scope of the current project, if any, or ""
    `,type:String,hint:`<@scope>`,description:`
      Associate an operation with a scope for a scoped registry.

      Useful when logging in to or out of a private registry:

      \`\`\`
      # log in, linking the scope to the custom registry
      npm login --scope=@mycorp --registry=https://registry.mycorp.com

      # log out, removing the link and the auth token
      npm logout --scope=@mycorp
      \`\`\`

      This will cause \`@mycorp\` to be mapped to the registry for future
      installation of packages specified according to the pattern
      \`@mycorp/package\`.

      This will also cause \`npm init\` to create a scoped package.

      \`\`\`
      # accept all defaults, and create a package named "@foo/whatever",
      # instead of just named "whatever"
      npm init --scope=@foo --yes
      \`\`\`
    `,flatten(e,t,n){let r=t[e],i=r&&!/^@/.test(r)?`@${r}`:r;n.scope=i,n.projectScope=i}}),scopes:new r(`scopes`,{default:null,type:[null,String,Array],description:`
      When creating a Granular Access Token with \`npm token create\`,
      this limits the token access to specific scopes. Provide
      a scope name (with or without @ prefix).
    `,flatten:C}),"packages-all":new r(`packages-all`,{default:!1,type:Boolean,description:`
      When creating a Granular Access Token with \`npm token create\`,
      grants the token access to all packages instead of limiting to
      specific packages.
    `,flatten:C}),"packages-and-scopes-permission":new r(`packages-and-scopes-permission`,{default:null,type:[null,`read-only`,`read-write`,`read-write-stage-only`,`no-access`],description:`
      When creating a Granular Access Token with \`npm token create\`,
      sets the permission level for packages and scopes. Options are
      "read-only", "read-write", "read-write-stage-only", or "no-access".
      "read-write-stage-only" grants publish access that stages releases
      instead of publishing them directly.
    `,flatten:C}),"orgs-permission":new r(`orgs-permission`,{default:null,type:[null,`read-only`,`read-write`,`no-access`],description:`
      When creating a Granular Access Token with \`npm token create\`,
      sets the permission level for organizations. Options are
      "read-only", "read-write", or "no-access".
    `,flatten:C}),password:new r(`password`,{default:null,type:[null,String],description:`
      Password for authentication. Can be provided via command line when
      creating tokens, though it's generally safer to be prompted for it.
    `,flatten:C}),"token-description":new r(`token-description`,{default:null,type:[null,String],description:`
      Description text for the token when using \`npm token create\`.
    `,flatten:C}),"script-shell":new r(`script-shell`,{default:null,defaultDescription:`
      '/bin/sh' on POSIX systems, 'cmd.exe' on Windows
    `,type:[null,String],description:"\n      The shell to use for scripts run with the `npm exec`,\n      `npm run` and `npm init <package-spec>` commands.\n    ",flatten(e,t,n){n.scriptShell=t[e]||void 0}}),searchexclude:new r(`searchexclude`,{default:``,type:String,description:`
      Space-separated options that limit the results from search.
    `,flatten(e,t,n){n.search=n.search||{limit:20},n.search.exclude=t[e].toLowerCase()}}),searchlimit:new r(`searchlimit`,{default:20,type:Number,description:`
      Number of items to limit search results to. Will not apply at all to
      legacy searches.
    `,flatten(e,t,n){n.search=n.search||{},n.search.limit=t[e]}}),searchopts:new r(`searchopts`,{default:``,type:String,description:`
      Space-separated options that are always passed to search.
    `,flatten(e,t,n){n.search=n.search||{limit:20},n.search.opts=o.parse(t[e])}}),searchstaleness:new r(`searchstaleness`,{default:900,type:Number,description:`
      The age of the cache, in seconds, before another registry request is made
      if using legacy search endpoint.
    `,flatten(e,t,n){n.search=n.search||{limit:20},n.search.staleness=t[e]}}),shell:new r(`shell`,{default:p,defaultDescription:`
      SHELL environment variable, or "bash" on Posix, or "cmd.exe" on Windows
    `,type:String,description:`
      The shell to run for the \`npm explore\` command.
    `,flatten:C}),shrinkwrap:new r(`shrinkwrap`,{default:!0,type:Boolean,deprecated:`
      Use the --package-lock setting instead.
    `,description:`
      Alias for --package-lock
    `,flatten(e,t,n){t[`package-lock`]=t.shrinkwrap,w[`package-lock`].flatten(`package-lock`,t,n)}}),"sign-git-commit":new r(`sign-git-commit`,{default:!1,type:Boolean,description:`
      If set to true, then the \`npm version\` command will commit the new
      package version using \`-S\` to add a signature.

      Note that git requires you to have set up GPG keys in your git configs
      for this to work properly.
    `,flatten:C}),"sign-git-tag":new r(`sign-git-tag`,{default:!1,type:Boolean,description:`
      If set to true, then the \`npm version\` command will tag the version
      using \`-s\` to add a signature.

      Note that git requires you to have set up GPG keys in your git configs
      for this to work properly.
    `,flatten:C}),"strict-peer-deps":new r(`strict-peer-deps`,{default:!1,type:Boolean,description:`
      If set to \`true\`, and \`--legacy-peer-deps\` is not set, then _any_
      conflicting \`peerDependencies\` will be treated as an install failure,
      even if npm could reasonably guess the appropriate resolution based on
      non-peer dependency relationships.

      By default, conflicting \`peerDependencies\` deep in the dependency graph
      will be resolved using the nearest non-peer dependency specification,
      even if doing so will result in some packages receiving a peer dependency
      outside the range set in their package's \`peerDependencies\` object.

      When such an override is performed, a warning is printed, explaining the
      conflict and the packages involved.  If \`--strict-peer-deps\` is set,
      then this warning is treated as a failure.
    `,flatten:C}),"strict-allow-scripts":new r(`strict-allow-scripts`,{default:!1,type:Boolean,description:"\n      If `true`, turn the install-script policy from a warning into a hard\n      error: any dependency with install scripts not covered by\n      `allowScripts` will fail the install instead of running with a\n      notice.\n\n      Dependencies explicitly denied with `false` in `allowScripts` are\n      always silently skipped; this setting only affects unreviewed entries.\n      `--ignore-scripts` and `--dangerously-allow-all-scripts` both\n      override this setting.\n\n      Optional dependencies that cannot be installed on the current platform\n      or engine (a non-matching `os`, `cpu`, or `libc`) are not flagged,\n      because their install scripts never run.\n    ",flatten:C}),"strict-ssl":new r(`strict-ssl`,{default:!0,type:Boolean,description:`
      Whether or not to do SSL key validation when making requests to the
      registry via https.

      See also the \`ca\` config.
    `,flatten(e,t,n){n.strictSSL=t[e]}}),tag:new r(`tag`,{default:`latest`,type:String,description:`
      If you ask npm to install a package and don't tell it a specific version,
      then it will install the specified tag.

      It is the tag added to the package@version specified in the
      \`npm dist-tag add\` command, if no explicit tag is given.

      When used by the \`npm diff\` command, this is the tag used to fetch the
      tarball that will be compared with the local files by default.

      If used in the \`npm publish\` command, this is the tag that will be
      added to the package submitted to the registry.
    `,flatten(e,t,n){n.defaultTag=t[e]}}),"tag-version-prefix":new r(`tag-version-prefix`,{default:`v`,type:String,description:`
      If set, alters the prefix used when tagging a new version when performing
      a version increment using  \`npm version\`. To remove the prefix
      altogether, set it to the empty string: \`""\`.

      Because other tools may rely on the convention that npm version tags look
      like \`v1.0.0\`, _only use this property if it is absolutely necessary_.
      In particular, use care when overriding this setting for public packages.
    `,flatten:C}),timing:new r(`timing`,{default:!1,type:Boolean,description:`
      If true, writes timing information to a process specific json file in
      the cache or \`logs-dir\`. The file name ends with \`-timing.json\`.

      You can quickly view it with this [json](https://npm.im/json) command
      line: \`cat ~/.npm/_logs/*-timing.json | npm exec -- json -g\`.

      Timing information will also be reported in the terminal. To suppress this
      while still writing the timing file, use \`--silent\`.
    `}),umask:new r(`umask`,{default:0,type:y,description:`
      The "umask" value to use when setting the file creation mode on files and
      folders.

      Folders and executables are given a mode which is \`0o777\` masked
      against this value.  Other files are given a mode which is \`0o666\`
      masked against this value.

      Note that the underlying system will _also_ apply its own umask value to
      files and folders that are created, and npm does not circumvent this, but
      rather adds the \`--umask\` config to it.

      Thus, the effective default umask value on most POSIX systems is 0o22,
      meaning that folders and executables are created with a mode of 0o755 and
      other files are created with a mode of 0o644.
    `,flatten:C}),unicode:new r(`unicode`,{default:g,defaultDescription:"\n      false on windows, true on mac/unix systems with a unicode locale, as\n      defined by the `LC_ALL`, `LC_CTYPE`, or `LANG` environment variables.\n    ",type:Boolean,description:`
      When set to true, npm uses unicode characters in the tree output.  When
      false, it uses ascii characters instead of unicode glyphs.
    `,flatten:C}),"update-notifier":new r(`update-notifier`,{default:!0,type:Boolean,description:`
      Set to false to suppress the update notification when using an older
      version of npm than the latest.
    `}),usage:new r(`usage`,{default:!1,type:Boolean,short:[`?`,`H`,`h`],description:`
      Show short usage output about the command specified.
    `}),"user-agent":new r(`user-agent`,{default:`npm/{npm-version} node/{node-version} {platform} {arch} workspaces/{workspaces} {ci}`,type:String,description:"\n      Sets the User-Agent request header.  The following fields are replaced\n      with their actual counterparts:\n\n      * `{npm-version}` - The npm version in use\n      * `{node-version}` - The Node.js version in use\n      * `{platform}` - The value of `process.platform`\n      * `{arch}` - The value of `process.arch`\n      * `{workspaces}` - Set to `true` if the `workspaces` or `workspace`\n        options are set.\n      * `{ci}` - The value of the `ci-name` config, if set, prefixed with\n        `ci/`, or an empty string if `ci-name` is empty.\n    ",flatten(e,t,n){let r=t[e],i=a.name?.toLowerCase().split(` `).join(`-`)||null,o=null;if(a.GITHUB_ACTIONS){let e=(process.env.GITHUB_SERVER_URL||``).trim(),t=(process.env.RUNNER_ENVIRONMENT||``).trim(),n=``;try{n=new URL(e).hostname.toLowerCase()}catch{n=``}n===`github.com`?o=t===`github-hosted`?`dotcom-hosted`:t===`self-hosted`?`dotcom-selfhosted`:`dotcom`:n===`ghe.com`||n.endsWith(`.ghe.com`)?o=`ghecom`:n&&(o=`ghes`)}let s=i?`ci/${i}${o?`/${o}`:``}`:``,c=!1;(t.workspaces||t.workspace&&t.workspace.length)&&(c=!0),n.userAgent=r.replace(/\{node-version\}/gi,process.version).replace(/\{npm-version\}/gi,t[`npm-version`]).replace(/\{platform\}/gi,process.platform).replace(/\{arch\}/gi,process.arch).replace(/\{workspaces\}/gi,c).replace(/\{ci\}/gi,s).trim(),process.env.npm_config_user_agent=n.userAgent}}),userconfig:new r(`userconfig`,{default:`~/.npmrc`,type:S,description:`
      The location of user-level configuration settings.

      This may be overridden by the \`npm_config_userconfig\` environment
      variable or the \`--userconfig\` command line option, but may _not_
      be overridden by settings in the \`globalconfig\` file.
    `}),version:new r(`version`,{default:!1,type:Boolean,short:`v`,description:`
      If true, output the npm version and exit successfully.

      Only relevant when specified explicitly on the command line.
    `}),versions:new r(`versions`,{default:!1,type:Boolean,description:`
      If true, output the npm version as well as node's \`process.versions\`
      map and the version in the current working directory's \`package.json\`
      file if one exists, and exit successfully.

      Only relevant when specified explicitly on the command line.
    `}),viewer:new r(`viewer`,{default:c?`browser`:`man`,defaultDescription:`
      "man" on Posix, "browser" on Windows
    `,type:String,description:`
      The program to use to view help content.

      Set to \`"browser"\` to view html help content in the default web browser.
    `}),which:new r(`which`,{default:null,hint:`<fundingSourceNumber>`,type:[null,Number],description:`
      If there are multiple funding sources, which 1-indexed source URL to open.
    `}),workspace:new r(`workspace`,{default:[],type:[String,Array],hint:`<workspace-name>`,short:`w`,envExport:!1,description:`
      Enable running a command in the context of the configured workspaces of the
      current project while filtering by running only the workspaces defined by
      this configuration option.

      Valid values for the \`workspace\` config are either:

      * Workspace names
      * Path to a workspace directory
      * Path to a parent workspace directory (will result in selecting all
        workspaces within that folder)

      When set for the \`npm init\` command, this may be set to the folder of
      a workspace which does not yet exist, to create the folder and set it
      up as a brand new workspace within the project.
    `,flatten:(e,t,n)=>{w[`user-agent`].flatten(`user-agent`,t,n)}}),workspaces:new r(`workspaces`,{default:null,type:[null,Boolean],envExport:!1,description:`
      Set to true to run the command in the context of **all** configured
      workspaces.

      Explicitly setting this to false will cause commands like \`install\` to
      ignore workspaces altogether.
      When not set explicitly:

      - Commands that operate on the \`node_modules\` tree (install, update,
        etc.) will link workspaces into the \`node_modules\` folder.
      - Commands that do other things (test, exec, publish, etc.) will operate
        on the root project, _unless_ one or more workspaces are specified in
        the \`workspace\` config.
    `,flatten:(e,t,n)=>{w[`user-agent`].flatten(`user-agent`,t,n),n.workspacesEnabled=t[e]!==!1}}),"workspaces-update":new r(`workspaces-update`,{default:!0,type:Boolean,description:`
      If set to true, the npm cli will run an update after operations that may
      possibly change the workspaces installed to the \`node_modules\` folder.
    `,flatten:C}),yes:new r(`yes`,{default:null,type:[null,Boolean],short:`y`,description:`
      Automatically answer "yes" to any prompts that npm might print on
      the command line.
    `})};n.exports=w})),be=t(((e,t)=>{let n=ye(),r=(e,t={})=>{for(let[r,i]of Object.entries(e)){let a=n[r];a&&a.flatten?a.flatten(r,e,t):(/@.*:registry$/i.test(r)||/^\/\//.test(r))&&(t[r]=i)}return t},i=Object.entries(n).reduce((e,[t,{short:n=[],default:r}])=>{for(let r of[].concat(n))e.shorthands[r]=[`--${t}`];return e.defaults[t]=r,e},{shorthands:{},defaults:{}}),a={"enjoy-by":[`--before`],d:[`--loglevel`,`info`],dd:[`--loglevel`,`verbose`],ddd:[`--loglevel`,`silly`],quiet:[`--loglevel`,`warn`],q:[`--loglevel`,`warn`],s:[`--loglevel`,`silent`],silent:[`--loglevel`,`silent`],verbose:[`--loglevel`,`verbose`],desc:[`--description`],help:[`--usage`],local:[`--no-global`],n:[`--no-yes`],no:[`--no-yes`],porcelain:[`--parseable`],readonly:[`--read-only`],reg:[`--registry`],iwr:[`--include-workspace-root`],ws:[`--workspaces`],...i.shorthands};t.exports={defaults:i.defaults,definitions:n,flatten:r,nerfDarts:[`_auth`,`_authToken`,`_password`,`certfile`,`email`,`keyfile`,`username`],proxyEnv:[`http_proxy`,`https_proxy`,`proxy`,`no_proxy`],shorthands:a}})),xe=t(((e,t)=>{let n=`regex`,r=`path`;t.exports={TYPE_REGEX:n,TYPE_URL:`url`,TYPE_PATH:r,NPM_SECRET:{type:n,pattern:/\b(npms?_)[a-zA-Z0-9]{36,48}\b/gi,replacement:`[REDACTED_NPM_SECRET]`},AUTH_HEADER:{type:n,pattern:/\b(Basic\s+|Bearer\s+)[\w+=\-.]+\b/gi,replacement:`[REDACTED_AUTH_HEADER]`},JSON_WEB_TOKEN:{type:n,pattern:/\b[A-Za-z0-9-_]{10,}(?!\.\d+\.)\.[A-Za-z0-9-_]{3,}\.[A-Za-z0-9-_]{20,}\b/gi,replacement:`[REDACTED_JSON_WEB_TOKEN]`},UUID:{type:n,pattern:/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,replacement:`[REDACTED_UUID]`},URL_MATCHER:{type:n,pattern:/(?:https?|ftp):\/\/[^\s/"$.?#].[^\s"]*/gi,replacement:`[REDACTED_URL]`},DEEP_HEADER_AUTHORIZATION:{type:r,predicate:({path:e})=>e.endsWith(`.headers.authorization`),replacement:`[REDACTED_HEADER_AUTHORIZATION]`},DEEP_HEADER_SET_COOKIE:{type:r,predicate:({path:e})=>e.endsWith(`.headers.set-cookie`),replacement:`[REDACTED_HEADER_SET_COOKIE]`},DEEP_HEADER_COOKIE:{type:r,predicate:({path:e})=>e.endsWith(`.headers.cookie`),replacement:`[REDACTED_HEADER_COOKIE]`},REWRITE_REQUEST:{type:r,predicate:({path:e})=>e.endsWith(`.request`),replacement:e=>({method:e?.method,path:e?.path,headers:e?.headers,url:e?.url})},REWRITE_RESPONSE:{type:r,predicate:({path:e})=>e.endsWith(`.response`),replacement:e=>({data:e?.data,status:e?.status,headers:e?.headers})}}})),Se=t(((e,t)=>{let{URL_MATCHER:n,TYPE_URL:r,TYPE_REGEX:i,TYPE_PATH:a}=xe(),o=(e=0)=>(e=typeof e==`string`?e.length:e,e<8?`*`.repeat(8):`*`.repeat(e)),s=e=>e.replace(/[-[\]{}()*+?.,\\^$|#\s]/g,`\\$&`),c=e=>[...new Set([encodeURIComponent(e),decodeURIComponent(e),e])].map(s).join(`|`),l=(e,...t)=>{let n=``;for(let r=0;r<t.length;r++)n+=e[r]+`(${c(t[r])})`;return n+=e[e.length-1],new RegExp(n)},u=({hostname:e,replacement:t}={})=>({type:r,predicate:({url:t})=>t.hostname===e,pattern:({url:e})=>l`(^${e.protocol}//${e.username}:.+@)?${e.hostname}`,replacement:`$1${t||o()}`}),d=({param:e,replacement:t}={})=>({type:r,predicate:({url:t})=>t.searchParams.has(e),pattern:({url:t})=>l`(${e}=)${t.searchParams.get(e)}`,replacement:`$1${t||o()}`}),f=({replacement:e}={})=>({type:r,predicate:({url:e})=>e.password,pattern:({url:e})=>l`(^${e.protocol}//${e.username}:)${e.password}`,replacement:`$1${e||o()}`}),p=(...e)=>t=>{try{let n=new URL(t);return _(...e)(t,{url:n})}catch{return t}},m=(...e)=>({...n,replacement:p(...e)}),h={[i]:e=>t=>(typeof t==`string`&&(t=t.replace(e.pattern,e.replacement)),t),[r]:e=>(t,n)=>{if(typeof t==`string`)try{let r=n?.url||new URL(t),{predicate:i,pattern:a}=e;i({url:r})&&(t=t.replace(a({url:r}),e.replacement))}catch{return t}return t},[a]:e=>(t,n)=>{let r=n?.path,i=r.join(`.`).toLowerCase(),{predicate:a,replacement:o}=e,s=typeof o==`function`?o:()=>o;return a({rawPath:r,path:i})&&(t=s(t,{rawPath:r,path:i})),t}},g=e=>h[e.type](e),_=(...e)=>(t,n)=>e.flat().reduce((e,t)=>(typeof t==`function`?t:g(t))(e,n),t);t.exports={asterisk:o,escapeRegExp:s,urlEncodeRegexGroup:c,urlEncodeRegexTag:l,redactUrlHostnameMatcher:u,redactUrlSearchParamsMatcher:d,redactUrlPasswordMatcher:f,redactUrlMatcher:m,redactUrlReplacement:p,redactDynamicReplacement:()=>(e,t)=>typeof t==`number`?o(e):t+o(e.substring(t.length).length),redactFixedReplacement:e=>(t,n)=>typeof n==`number`?o(e):n+o(e),redactMatchers:_,redactUrlPassword:(e,t)=>_(f({replacement:t}))(e)}})),Ce=t(((e,t)=>{let n=xe(),{redactUrlPassword:r}=Se(),i=e=>typeof e!=`string`||!e?e:r(e,`***`).replace(n.NPM_SECRET.pattern,`npm_***`).replace(n.UUID.pattern,`***`),a=e=>{let t=/[\s=]/g,n=null,r=``,a=0;for(;n=t.exec(e);)r+=i(e.slice(a,n.index))+n[0],a=t.lastIndex;return r+i(e.slice(a))};t.exports={redact:i,redactLog:e=>typeof e==`string`?a(e):Array.isArray(e)?e.map(e=>typeof e==`string`?a(e):e):e}})),we=t(((e,t)=>{t.exports=(e,{copy:t,wrap:n})=>{let r={};if(e&&typeof e==`object`)for(let n of t)e[n]!==void 0&&(r[n]=e[n]);else r[n]=e;return r}})),Te=t(((e,t)=>{let n=o();t.exports={satisfies:e=>n.satisfies(process.version,e,{includePrerelease:!0})}})),Ee=t(((t,n)=>{let{inspect:r}=e(`util`);var i=class{constructor(e,t,n){let r=`${t}: ${n.syscall} returned ${n.code} (${n.message})`;n.path!==void 0&&(r+=` ${n.path}`),n.dest!==void 0&&(r+=` => ${n.dest}`),this.code=e,Object.defineProperties(this,{name:{value:`SystemError`,enumerable:!1,writable:!0,configurable:!0},message:{value:r,enumerable:!1,writable:!0,configurable:!0},info:{value:n,enumerable:!0,configurable:!0,writable:!1},errno:{get(){return n.errno},set(e){n.errno=e},enumerable:!0,configurable:!0},syscall:{get(){return n.syscall},set(e){n.syscall=e},enumerable:!0,configurable:!0}}),n.path!==void 0&&Object.defineProperty(this,"path",{get(){return n.path},set(e){n.path=e},enumerable:!0,configurable:!0}),n.dest!==void 0&&Object.defineProperty(this,"dest",{get(){return n.dest},set(e){n.dest=e},enumerable:!0,configurable:!0})}toString(){return`${this.name} [${this.code}]: ${this.message}`}[Symbol.for(`nodejs.util.inspect.custom`)](e,t){return r(this,{...t,getters:!0,customInspect:!1})}};function a(e,t){n.exports[e]=class extends i{constructor(n){super(e,t,n)}}}a(`ERR_FS_CP_DIR_TO_NON_DIR`,`Cannot overwrite directory with non-directory`),a(`ERR_FS_CP_EEXIST`,`Target already exists`),a(`ERR_FS_CP_EINVAL`,`Invalid src or dest`),a(`ERR_FS_CP_FIFO_PIPE`,`Cannot copy a FIFO pipe`),a(`ERR_FS_CP_NON_DIR_TO_DIR`,`Cannot overwrite non-directory with directory`),a(`ERR_FS_CP_SOCKET`,`Cannot copy a socket file`),a(`ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY`,`Cannot overwrite symlink in subdirectory of self`),a(`ERR_FS_CP_UNKNOWN`,`Cannot copy an unknown file type`),a(`ERR_FS_EISDIR`,`Path is a directory`),n.exports.ERR_INVALID_ARG_TYPE=class extends Error{constructor(e,t,n){super(),this.code=`ERR_INVALID_ARG_TYPE`,this.message=`The ${e} argument must be ${t}. Received ${typeof n}`}}})),De=t(((t,n)=>{let{ERR_FS_CP_DIR_TO_NON_DIR:r,ERR_FS_CP_EEXIST:i,ERR_FS_CP_EINVAL:a,ERR_FS_CP_FIFO_PIPE:o,ERR_FS_CP_NON_DIR_TO_DIR:s,ERR_FS_CP_SOCKET:c,ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY:l,ERR_FS_CP_UNKNOWN:u,ERR_FS_EISDIR:d,ERR_INVALID_ARG_TYPE:f}=Ee(),{constants:{errno:{EEXIST:p,EISDIR:m,EINVAL:h,ENOTDIR:g}}}=e(`os`),{chmod:_,copyFile:v,lstat:y,mkdir:b,readdir:x,readlink:S,stat:C,symlink:w,unlink:T,utimes:E}=e(`fs/promises`),{dirname:D,isAbsolute:O,join:k,parse:A,resolve:j,sep:M,toNamespacedPath:N}=e(`path`),{fileURLToPath:P}=e(`url`),F={dereference:!1,errorOnExist:!1,filter:void 0,force:!0,preserveTimestamps:!1,recursive:!1};async function I(e,t,n){if(n!=null&&typeof n!=`object`)throw new f(`options`,[`Object`],n);return R(N(L(e)),N(L(t)),{...F,...n})}function L(e){return e!=null&&e.href&&e.origin?P(e):e}async function R(e,t,n){n.preserveTimestamps&&process.arch===`ia32`&&process.emitWarning(`Using the preserveTimestamps option in 32-bit node is not recommended`,`TimestampPrecisionWarning`);let{srcStat:r,destStat:i}=await z(e,t,n);return await W(e,r,t),n.filter?q(H,i,e,t,n):H(i,e,t,n)}async function z(e,t,n){let{0:i,1:o}=await V(e,t,n);if(o){if(B(i,o))throw new a({message:`src and dest cannot be the same`,path:t,syscall:`cp`,errno:h});if(i.isDirectory()&&!o.isDirectory())throw new r({message:`cannot overwrite directory ${e} with non-directory ${t}`,path:t,syscall:`cp`,errno:m});if(!i.isDirectory()&&o.isDirectory())throw new s({message:`cannot overwrite non-directory ${e} with directory ${t}`,path:t,syscall:`cp`,errno:g})}if(i.isDirectory()&&K(e,t))throw new a({message:`cannot copy ${e} to a subdirectory of self ${t}`,path:t,syscall:`cp`,errno:h});return{srcStat:i,destStat:o}}function B(e,t){return t.ino&&t.dev&&t.ino===e.ino&&t.dev===e.dev}function V(e,t,n){let r=n.dereference?e=>C(e,{bigint:!0}):e=>y(e,{bigint:!0});return Promise.all([r(e),r(t).catch(e=>{if(e.code===`ENOENT`)return null;throw e})])}async function H(e,t,n,r){let i=D(n);return await U(i)||await b(i,{recursive:!0}),Y(e,t,n,r)}function U(e){return C(e).then(()=>!0,e=>e.code!==`ENOENT`&&Promise.reject(e))}async function W(e,t,n){let r=j(D(e)),i=j(D(n));if(i===r||i===A(i).root)return;let o;try{o=await C(i,{bigint:!0})}catch(e){if(e.code===`ENOENT`)return;throw e}if(B(t,o))throw new a({message:`cannot copy ${e} to a subdirectory of self ${n}`,path:n,syscall:`cp`,errno:h});return W(e,t,i)}let G=e=>j(e).split(M).filter(Boolean);function K(e,t){let n=G(e),r=G(t);return n.every((e,t)=>r[t]===e)}async function q(e,t,n,r,i,a){if(await i.filter(n,r))return e(t,n,r,i,a)}function J(e,t,n,r){return r.filter?q(Y,e,t,n,r):Y(e,t,n,r)}async function Y(e,t,n,r){let i=await(r.dereference?C:y)(t);if(i.isDirectory()&&r.recursive)return oe(i,e,t,n,r);if(i.isDirectory())throw new d({message:`${t} is a directory (not copied)`,path:t,syscall:`cp`,errno:h});if(i.isFile()||i.isCharacterDevice()||i.isBlockDevice())return ee(i,e,t,n,r);if(i.isSymbolicLink())return le(e,t,n);throw i.isSocket()?new c({message:`cannot copy a socket file: ${n}`,path:n,syscall:`cp`,errno:h}):i.isFIFO()?new o({message:`cannot copy a FIFO pipe: ${n}`,path:n,syscall:`cp`,errno:h}):new u({message:`cannot copy an unknown file type: ${n}`,path:n,syscall:`cp`,errno:h})}function ee(e,t,n,r,i){return t?te(e,n,r,i):X(e,n,r,i)}async function te(e,t,n,r){if(r.force)return await T(n),X(e,t,n,r);if(r.errorOnExist)throw new i({message:`${n} already exists`,path:n,syscall:`cp`,errno:p})}async function X(e,t,n,r){return await v(t,n),r.preserveTimestamps?ne(e.mode,t,n):Q(n,e.mode)}async function ne(e,t,n){return Z(e)&&await re(n,e),ie(e,t,n)}function Z(e){return!(e&128)}function re(e,t){return Q(e,t|128)}async function ie(e,t,n){return await ae(t,n),Q(n,e)}function Q(e,t){return _(e,t)}async function ae(e,t){let n=await C(e);return E(t,n.atime,n.mtime)}function oe(e,t,n,r,i){return t?ce(n,r,i):se(e.mode,n,r,i)}async function se(e,t,n,r){return await b(n),await ce(t,n,r),Q(n,e)}async function ce(e,t,n){let r=await x(e);for(let i=0;i<r.length;i++){let a=r[i],o=k(e,a),s=k(t,a),{destStat:c}=await z(o,s,n);await J(c,o,s,n)}}async function le(e,t,n){let r=await S(t);if(O(r)||(r=j(D(t),r)),!e)return w(r,n);let i;try{i=await S(n)}catch(e){if(e.code===`EINVAL`||e.code===`UNKNOWN`)return w(r,n);throw e}if(O(i)||(i=j(D(n),i)),K(r,i))throw new a({message:`cannot copy ${r} to a subdirectory of self ${i}`,path:n,syscall:`cp`,errno:h});if((await C(t)).isDirectory()&&K(i,r))throw new l({message:`cannot overwrite ${i} with ${r}`,path:n,syscall:`cp`,errno:h});return ue(r,n)}async function ue(e,t){return await T(t),w(e,t)}n.exports=I})),Oe=t(((t,n)=>{let r=e(`fs/promises`),i=we(),a=Te(),o=De(),s=a.satisfies(`>=16.7.0`);n.exports=async(e,t,n)=>{let a=i(n,{copy:[`dereference`,`errorOnExist`,`filter`,`force`,`preserveTimestamps`,`recursive`]});return s?r.cp(e,t,a):o(e,t,a)}})),ke=t(((t,n)=>{let{join:r,sep:i}=e(`path`),a=we(),{mkdir:o,mkdtemp:s,rm:c}=e(`fs/promises`);n.exports=async(e,t,n)=>{let l=a(n,{copy:[`tmpPrefix`]});await o(e,{recursive:!0});let u=await s(r(`${e}${i}`,l.tmpPrefix||``)),d,f;try{f=await t(u)}catch(e){d=e}try{await c(u,{force:!0,recursive:!0})}catch{}if(d)throw d;return f}})),Ae=t(((t,n)=>{let{readdir:r}=e(`fs/promises`),{join:i}=e(`path`);n.exports=async e=>{let t=[];for(let n of await r(e))if(n.startsWith(`@`))for(let a of await r(i(e,n)))t.push(i(n,a));else t.push(n);return t}})),je=t(((t,n)=>{let{dirname:r,join:i,resolve:a,relative:o,isAbsolute:s}=e(`path`),c=e(`fs/promises`),l=async e=>{try{return await c.access(e),!0}catch(e){return e.code!==`ENOENT`}},u=async(e,t,n={},d=!0,f=[])=>{if(!e||!t)throw TypeError("`source` and `destination` file required");if(n={overwrite:!0,...n},!n.overwrite&&await l(t))throw Error(`The destination file exists: ${t}`);await c.mkdir(r(t),{recursive:!0});try{await c.rename(e,t)}catch(r){if(r.code===`EXDEV`||r.code===`EPERM`){let r=await c.lstat(e);if(r.isDirectory()){let r=await c.readdir(e);await Promise.all(r.map(r=>u(i(e,r),i(t,r),n,!1,f)))}else r.isSymbolicLink()?f.push({source:e,destination:t}):await c.copyFile(e,t)}else throw r}d&&(await Promise.all(f.map(async({source:e,destination:t})=>{let n=await c.readlink(e);s(n)&&(n=a(t,o(e,n)));let i=`file`;try{i=await c.stat(a(r(e),n)),i.isDirectory()&&(i=`junction`)}catch{}await c.symlink(n,t,i)})),await c.rm(e,{recursive:!0,force:!0}))};n.exports=u})),Me=t(((e,t)=>{t.exports={cp:Oe(),withTempDir:ke(),readdirScoped:Ae(),moveFile:je()}})),$=t(((t,n)=>{let r=k()[`cache-version`].content,i=E(),a=e(`path`),o=s();n.exports=c;function c(e,t){let n=o.parse(t,{single:!0});return a.join(l(e),n.algorithm,...i(n.hexDigest()))}n.exports.contentDir=l;function l(e){return a.join(e,`content-v${r}`)}})),Ne=t(((t,n)=>{let r=e(`crypto`),{appendFile:i,mkdir:a,readFile:o,readdir:c,rm:l,writeFile:u}=e(`fs/promises`),{Minipass:d}=m(),f=e(`path`),p=s(),{tmpName:h}=b(),g=$(),_=E(),v=k()[`cache-version`].index,{moveFile:y}=Me();n.exports.NotFoundError=class extends Error{constructor(e,t){super(`No cache entry for ${t} found in ${e}`),this.code=`ENOENT`,this.cache=e,this.key=t}},n.exports.compact=x;async function x(e,t,n,r={}){let i=M(e,t),o=await O(i),s=[];for(let e=o.length-1;e>=0;--e){let t=o[e];if(t.integrity===null&&!r.validateEntry)break;r.validateEntry&&r.validateEntry(t)!==!0||s.length!==0&&s.find(e=>n(e,t))||s.unshift(t)}let c=`
`+s.map(e=>{let t=JSON.stringify(e);return`${P(t)}\t${t}`}).join(`
`),d=async()=>{let t=h(e,r.tmpPrefix);return await a(f.dirname(t),{recursive:!0}),{target:t,moved:!1}},p=async e=>{if(!e.moved)return l(e.target,{recursive:!0,force:!0})},m=async e=>{await u(e.target,c,{flag:`wx`}),await a(f.dirname(i),{recursive:!0}),await y(e.target,i),e.moved=!0},g=await d();try{await m(g)}finally{await p(g)}return s.reverse().map(t=>I(e,t,!0))}n.exports.insert=S;async function S(e,t,n,r={}){let{metadata:o,size:s,time:c}=r,l=M(e,t),u={key:t,integrity:n&&p.stringify(n),time:c||Date.now(),size:s,metadata:o};try{await a(f.dirname(l),{recursive:!0});let e=JSON.stringify(u);await i(l,`\n${P(e)}\t${e}`)}catch(e){if(e.code===`ENOENT`)return;throw e}return I(e,u)}n.exports.find=C;async function C(e,t){let n=M(e,t);try{return(await O(n)).reduce((n,r)=>r&&r.key===t?I(e,r):n,null)}catch(e){if(e.code===`ENOENT`)return null;throw e}}n.exports.delete=w;function w(e,t,n={}){if(!n.removeFully)return S(e,t,null,n);let r=M(e,t);return l(r,{recursive:!0,force:!0})}n.exports.lsStream=T;function T(e){let t=j(e),n=new d({objectMode:!0});return Promise.resolve().then(async()=>{let{default:r}=await import(`./p-map.mjs`);return await r(await L(t),async i=>{let a=f.join(t,i),o=await L(a);await r(o,async t=>{let i=f.join(a,t),o=await L(i);await r(o,async t=>{let r=f.join(i,t);try{let t=(await O(r)).reduce((e,t)=>(e.set(t.key,t),e),new Map);for(let r of t.values()){let t=I(e,r);t&&n.write(t)}}catch(e){if(e.code===`ENOENT`)return;throw e}},{concurrency:5})},{concurrency:5})},{concurrency:5}),n.end(),n}).catch(e=>n.emit(`error`,e)),n}n.exports.ls=D;async function D(e){return(await T(e).collect()).reduce((e,t)=>(e[t.key]=t,e),{})}n.exports.bucketEntries=O;async function O(e,t){return A(await o(e,`utf8`),t)}function A(e){let t=[];return e.split(`
`).forEach(e=>{if(!e)return;let n=e.split(`	`);if(!n[1]||P(n[1])!==n[0])return;let r;try{r=JSON.parse(n[1])}catch{}r&&t.push(r)}),t}n.exports.bucketDir=j;function j(e){return f.join(e,`index-v${v}`)}n.exports.bucketPath=M;function M(e,t){let n=N(t);return f.join.apply(f,[j(e)].concat(_(n)))}n.exports.hashKey=N;function N(e){return F(e,`sha256`)}n.exports.hashEntry=P;function P(e){return F(e,`sha1`)}function F(e,t){return r.createHash(t).update(e).digest(`hex`)}function I(e,t,n){return!t.integrity&&!n?null:{key:t.key,integrity:t.integrity,path:t.integrity?g(e,t.integrity):void 0,size:t.size,time:t.time,metadata:t.metadata}}function L(e){return c(e).catch(e=>{if(e.code===`ENOENT`||e.code===`ENOTDIR`)return[];throw e})}})),Pe=t(((t,n)=>{let r=e(`fs/promises`),i=y(),a=s(),o=$(),c=p();n.exports=u;let l=67108864;async function u(e,t,n={}){let{size:i}=n,{stat:o,cpath:s,sri:u}=await g(e,t,async(e,t)=>({stat:i?{size:i}:await r.stat(e),cpath:e,sri:t}));if(o.size>l)return d(s,o.size,u,new c).concat();let f=await r.readFile(s,{encoding:null});if(o.size!==f.length)throw _(o.size,f.length);if(!a.checkData(f,u))throw v(u,s);return f}let d=(e,t,n,r)=>(r.push(new i.ReadStream(e,{size:t,readSize:l}),a.integrityStream({integrity:n,size:t})),r);n.exports.stream=f,n.exports.readStream=f;function f(e,t,n={}){let{size:i}=n,a=new c;return Promise.resolve().then(async()=>{let{stat:n,cpath:o,sri:s}=await g(e,t,async(e,t)=>({stat:i?{size:i}:await r.stat(e),cpath:e,sri:t}));return d(o,n.size,s,a)}).catch(e=>a.emit(`error`,e)),a}n.exports.copy=m;function m(e,t,n){return g(e,t,e=>r.copyFile(e,n))}n.exports.hasContent=h;async function h(e,t){if(!t)return!1;try{return await g(e,t,async(e,t)=>{let n=await r.stat(e);return{size:n.size,sri:t,stat:n}})}catch(e){if(e.code===`ENOENT`)return!1;if(e.code===`EPERM`){if(process.platform!==`win32`)throw e;return!1}}}async function g(e,t,n){let r=a.parse(t),i=r[r.pickAlgorithm()];if(i.length<=1)return n(o(e,i[0]),i[0]);{let t=await Promise.all(i.map(async t=>{try{return await g(e,t,n)}catch(e){return e.code===`ENOENT`?Object.assign(Error(`No matching content found for `+r.toString()),{code:`ENOENT`}):e}})),a=t.find(e=>!(e instanceof Error));if(a)return a;throw t.find(e=>e.code===`ENOENT`)||t.find(e=>e instanceof Error)}}function _(e,t){let n=Error(`Bad data size: expected inserted data to be ${e} bytes, but got ${t} instead`);return n.expected=e,n.found=t,n.code=`EBADSIZE`,n}function v(e,t){let n=Error(`Integrity verification failed for ${e} (${t})`);return n.code=`EINTEGRITY`,n.sri=e,n.path=t,n}})),Fe=t(((t,n)=>{let r=e(`events`),i=$(),a=e(`fs/promises`),{moveFile:o}=Me(),{Minipass:c}=m(),l=p(),u=d(),f=e(`path`),h=s(),{tmpName:g}=b(),_=y();n.exports=x;let v=new Map;async function x(e,t,n={}){let{algorithms:r,size:i,integrity:o}=n;if(typeof i==`number`&&t.length!==i)throw O(i,t.length);let s=h.fromData(t,r?{algorithms:r}:{});if(o&&!h.checkData(t,o,n))throw k(o,s);for(let r in s){let i=await E(e,n),o=s[r].toString();try{await a.writeFile(i.target,t,{flag:`wx`}),await D(i,e,o,n)}finally{i.moved||await a.rm(i.target,{recursive:!0,force:!0})}}return{integrity:s,size:t.length}}n.exports.stream=C;var S=class extends u{constructor(e,t){super(),this.opts=t,this.cache=e,this.inputStream=new c,this.inputStream.on(`error`,e=>this.emit(`error`,e)),this.inputStream.on(`drain`,()=>this.emit(`drain`)),this.handleContentP=null}write(e,t,n){return this.handleContentP||(this.handleContentP=w(this.inputStream,this.cache,this.opts),this.handleContentP.catch(e=>this.emit(`error`,e))),this.inputStream.write(e,t,n)}flush(e){this.inputStream.end(()=>{if(!this.handleContentP){let t=Error(`Cache input stream was empty`);return t.code=`ENODATA`,Promise.reject(t).catch(e)}this.handleContentP.then(t=>{t.integrity&&this.emit(`integrity`,t.integrity),t.size!==null&&this.emit(`size`,t.size),e()},t=>e(t))})}};function C(e,t={}){return new S(e,t)}async function w(e,t,n){let r=await E(t,n);try{let i=await T(e,t,r.target,n);return await D(r,t,i.integrity,n),i}finally{r.moved||await a.rm(r.target,{recursive:!0,force:!0})}}async function T(e,t,n,i){let a=new _.WriteStream(n,{flags:`wx`});if(i.integrityEmitter){let[t,n]=await Promise.all([r.once(i.integrityEmitter,`integrity`).then(e=>e[0]),r.once(i.integrityEmitter,`size`).then(e=>e[0]),new l(e,a).promise()]);return{integrity:t,size:n}}let o,s,c=h.integrityStream({integrity:i.integrity,algorithms:i.algorithms,size:i.size});return c.on(`integrity`,e=>{o=e}),c.on(`size`,e=>{s=e}),await new l(e,c,a).promise(),{integrity:o,size:s}}async function E(e,t){let n=g(e,t.tmpPrefix);return await a.mkdir(f.dirname(n),{recursive:!0}),{target:n,moved:!1}}async function D(e,t,n){let r=i(t,n),s=f.dirname(r);return v.has(r)||v.set(r,a.mkdir(s,{recursive:!0}).then(async()=>(await o(e.target,r,{overwrite:!1}),e.moved=!0,e.moved)).catch(e=>{if(!e.message.startsWith(`The destination file exists`))throw Object.assign(e,{code:`EEXIST`})}).finally(()=>{v.delete(r)})),v.get(r)}function O(e,t){let n=Error(`Bad data size: expected inserted data to be ${e} bytes, but got ${t} instead`);return n.expected=e,n.found=t,n.code=`EBADSIZE`,n}function k(e,t){let n=Error(`Integrity check failed:
  Wanted: ${e}
   Found: ${t}`);return n.code=`EINTEGRITY`,n.expected=e,n.found=t,n}})),Ie=t(((t,n)=>{let r=e(`fs/promises`),i=$(),{hasContent:a}=Pe();n.exports=o;async function o(e,t){let n=await a(e,t);return n&&n.sri?(await r.rm(i(e,n.sri),{recursive:!0,force:!0}),!0):!1}})),Le=t(((t,n)=>{let{LRUCache:r}=C(),i=e(`dns`),a=new r({max:50});n.exports={cache:a,getOptions:({family:e=0,hints:t=i.ADDRCONFIG,all:n=!1,verbatim:r=void 0,ttl:o=3e5,lookup:s=i.lookup})=>({hints:t,lookup:(i,...c)=>{let l=c.pop(),u=c[0]??{},d={family:e,hints:t,all:n,verbatim:r,...typeof u==`number`?{family:u}:u},f=JSON.stringify({hostname:i,...d});if(a.has(f)){let e=a.get(f);return process.nextTick(l,null,...e)}s(i,d,(e,...t)=>e?l(e):(a.set(f,t,{ttl:o}),l(null,...t)))}})}})),Re=t(((e,t)=>{let n=Le(),r=e=>{let t=parseInt(e.family??`0`,10),r=e.keepAlive??!0,i={keepAliveMsecs:r?1e3:void 0,maxSockets:e.maxSockets??15,maxTotalSockets:1/0,maxFreeSockets:r?256:void 0,scheduling:`fifo`,...e,family:t,keepAlive:r,timeouts:{idle:e.timeout??0,connection:0,response:0,transfer:0,...e.timeouts},...n.getOptions({family:t,...e.dns})};return delete i.timeout,delete i.headers,i},i=e=>{let t=``,n=Object.entries(e).sort((e,t)=>e[0]-t[0]);for(let[e,r]of n)r==null?r=`null`:r instanceof URL?r=r.toString():typeof r==`object`&&(r=i(r)),t+=`${e}:${r}:`;return t};t.exports={normalizeOptions:r,cacheOptions:({secureEndpoint:e,...t})=>i({secureEndpoint:!!e,family:t.family,hints:t.hints,localAddress:t.localAddress,strictSsl:e?!!t.rejectUnauthorized:!1,ca:e?t.ca:null,cert:e?t.cert:null,key:e?t.key:null,keepAlive:t.keepAlive,keepAliveMsecs:t.keepAliveMsecs,maxSockets:t.maxSockets,maxTotalSockets:t.maxTotalSockets,maxFreeSockets:t.maxFreeSockets,scheduling:t.scheduling,timeouts:t.timeouts,proxy:t.proxy})}})),ze=t(((e,t)=>{t.exports={InvalidProxyProtocolError:class extends Error{constructor(e){super(`Invalid protocol \`${e.protocol}\` connecting to proxy \`${e.host}\``),this.code=`EINVALIDPROXY`,this.proxy=e}},ConnectionTimeoutError:class extends Error{constructor(e){super(`Timeout connecting to host \`${e}\``),this.code=`ECONNECTIONTIMEOUT`,this.host=e}},IdleTimeoutError:class extends Error{constructor(e){super(`Idle timeout reached for host \`${e}\``),this.code=`EIDLETIMEOUT`,this.host=e}},ResponseTimeoutError:class extends Error{constructor(e,t){let n=`Response timeout `;t&&(n+=`from proxy \`${t.host}\` `),n+=`connecting to host \`${e.host}\``,super(n),this.code=`ERESPONSETIMEOUT`,this.proxy=t,this.request=e}},TransferTimeoutError:class extends Error{constructor(e,t){let n=`Transfer timeout `;t&&(n+=`from proxy \`${t.host}\` `),n+=`for \`${e.host}\``,super(n),this.code=`ETRANSFERTIMEOUT`,this.proxy=t,this.request=e}}}})),Be=t(((e,t)=>{let{HttpProxyAgent:n}=O(),{HttpsProxyAgent:i}=T(),{SocksProxyAgent:a}=r(),{LRUCache:o}=C(),{InvalidProxyProtocolError:s}=ze(),c=new o({max:20}),l=new Set(a.protocols),u=new Set([`https_proxy`,`http_proxy`,`proxy`,`no_proxy`]),d=Object.entries(process.env).reduce((e,[t,n])=>(t=t.toLowerCase(),u.has(t)&&(e[t]=n),e),{}),f=e=>{e=new URL(e);let t=e.protocol.slice(0,-1);if(l.has(t))return a;if(t===`https`||t===`http`)return[n,i];throw new s(e)},p=(e,t)=>{if(typeof t==`string`&&(t=t.split(`,`).map(e=>e.trim()).filter(Boolean)),!t||!t.length)return!1;let n=e.hostname.split(`.`).reverse();return t.some(e=>{let t=e.split(`.`).filter(Boolean).reverse();if(!t.length)return!1;for(let e=0;e<t.length;e++)if(n[e]!==t[e])return!1;return!0})};t.exports={getProxyAgent:f,getProxy:(e,{proxy:t,noProxy:n})=>(e=new URL(e),t||=e.protocol===`https:`?d.https_proxy:d.https_proxy||d.http_proxy||d.proxy,n||=d.no_proxy,!t||p(e,n)?null:new URL(t)),proxyCache:c}})),Ve=t(((t,r)=>{let i=e(`net`),a=e(`tls`),{once:o}=e(`events`),s=e(`timers/promises`),{normalizeOptions:c,cacheOptions:l}=Re(),{getProxy:u,getProxyAgent:d,proxyCache:f}=Be(),p=ze(),{Agent:m}=n();r.exports=class extends m{#e;#t;#n;#r;#i;constructor(e={}){let{timeouts:t,proxy:n,noProxy:r,...i}=c(e);super(i),this.#e=i,this.#t=t,n&&(this.#n=new URL(n),this.#r=r,this.#i=d(n))}get proxy(){return this.#n?{url:this.#n}:{}}#a(e){if(!this.#n)return;let t=u(`${e.protocol}//${e.host}:${e.port}`,{proxy:this.#n,noProxy:this.#r});if(!t)return;let n=l({...e,...this.#e,timeouts:this.#t,proxy:t});if(f.has(n))return f.get(n);let r=this.#i;Array.isArray(r)&&(r=this.isSecureEndpoint(e)?r[1]:r[0]);let i=new r(t,{...this.#e,socketOptions:{family:this.#e.family}});return f.set(n,i),i}async#o({promises:e,options:t,timeout:n},r=new AbortController){if(n){let i=s.setTimeout(n,null,{signal:r.signal}).then(()=>{throw new p.ConnectionTimeoutError(`${t.host}:${t.port}`)}).catch(e=>{if(e.name!==`AbortError`)throw e});e.push(i)}let i;try{i=await Promise.race(e),r.abort()}catch(e){throw r.abort(),e}return i}async connect(e,t){t.lookup??=this.#e.lookup;let n,r=this.#t.connection,s=this.isSecureEndpoint(t),c=this.#a(t);if(c){let i=Date.now();n=await this.#o({options:t,timeout:r,promises:[c.connect(e,t)]}),r&&(r-=Date.now()-i)}else n=(s?a:i).connect(t);n.setKeepAlive(this.keepAlive,this.keepAliveMsecs),n.setNoDelay(this.keepAlive);let l=new AbortController,{signal:u}=l,d=n[s?`secureConnecting`:`connecting`]?o(n,s?`secureConnect`:`connect`,{signal:u}):Promise.resolve();return await this.#o({options:t,timeout:r,promises:[d,o(n,`error`,{signal:u}).then(e=>{throw e[0]})]},l),this.#t.idle&&n.setTimeout(this.#t.idle,()=>{n.destroy(new p.IdleTimeoutError(`${t.host}:${t.port}`))}),n}addRequest(e,t){let n=this.#a(t);if(n?.setRequestProps&&n.setRequestProps(e,t),e.setHeader(`connection`,this.keepAlive?`keep-alive`:`close`),this.#t.response){let t;e.once(`finish`,()=>{setTimeout(()=>{e.destroy(new p.ResponseTimeoutError(e,this.#n))},this.#t.response)}),e.once(`response`,()=>{clearTimeout(t)})}if(this.#t.transfer){let t;e.once(`response`,n=>{setTimeout(()=>{n.destroy(new p.TransferTimeoutError(e,this.#n))},this.#t.transfer),n.once(`close`,()=>{clearTimeout(t)})})}return super.addRequest(e,t)}createSocket(e,t,n){super.createSocket(e,t,(r,i)=>{r&&this.#s(e,t),n(r,i)})}#s(e,t){let n=this.getName(t),r=this.requests[n];if(!r||r.length===0)return;let i=r.indexOf(e);if(i!==-1&&r.splice(i,1),r.length===0){delete this.requests[n];return}if((this.sockets[n]?this.sockets[n].length:0)>=this.maxSockets||this.totalSocketCount>=this.maxTotalSockets)return;let a=r.shift();r.length===0&&delete this.requests[n],this.createSocket(a,t,(e,t)=>{e?a.onSocket(null,e):a.onSocket(t)})}}})),He=t(((e,t)=>{let{LRUCache:n}=C(),{normalizeOptions:r,cacheOptions:i}=Re(),{getProxy:a,proxyCache:o}=Be(),s=Le(),c=Ve(),l=new n({max:20});t.exports={getAgent:(e,{agent:t,proxy:n,noProxy:o,...s}={})=>{if(t!=null)return t;e=new URL(e);let u=a(e,{proxy:n,noProxy:o}),d={...r(s),proxy:u},f=i({...d,secureEndpoint:e.protocol===`https:`});if(l.has(f))return l.get(f);let p=new c(d);return l.set(f,p),p},Agent:c,HttpAgent:c,HttpsAgent:c,cache:{proxy:o,agent:l,dns:s.cache,clear:()=>{o.clear(),l.clear(),s.cache.clear()}}}}));export{Ne as a,Ce as c,me as d,q as f,Pe as i,be as l,Ie as n,$ as o,A as p,Fe as r,Me as s,He as t,ge as u};
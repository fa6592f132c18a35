import{r as e,t}from"./rolldown-runtime-QyZNg2Ly.mjs";import{n}from"./shared2~index~config-tkbtdYvq.mjs";import{B as r,F as i,G as a,I as o,K as s,L as c,N as l,P as u,R as d,U as f,V as p,W as m,_ as h,a as g,c as _,f as v,g as y,h as b,j as x,l as S,m as C,p as w,t as T,v as E,x as D,z as O}from"./shared1~index-CYqjpPMn.mjs";import{D as k,E as A,F as j,G as M,I as N,J as P,K as F,N as I,P as L,U as R,V as ee,W as z,a as te,c as ne,d as B,f as re,g as ie,m as ae,n as oe,p as se,q as ce,s as le,u as V,x as ue}from"./shared0~index-D6ZqOlhf.mjs";import{C as de,D as fe,E as pe,F as me,N as he,O as ge,P as H,S as U,T as _e,_ as ve,a as ye,d as be,f as xe,i as Se,k as W,m as Ce,p as G,s as we,w as Te}from"./shared3~index-5UBtOFE1.mjs";var Ee=t(((e,t)=>{let n=/^[0-9]+$/,r=(e,t)=>{if(typeof e==`number`&&typeof t==`number`)return e===t?0:e<t?-1:1;let r=n.test(e),i=n.test(t);return r&&i&&(e=+e,t=+t),e===t?0:r&&!i?-1:i&&!r?1:e<t?-1:1};t.exports={compareIdentifiers:r,rcompareIdentifiers:(e,t)=>r(t,e)}})),De=t(((e,t)=>{let n=M();t.exports=(e,t,r=!1)=>{if(e instanceof n)return e;try{return new n(e,t)}catch(e){if(!r)return null;throw e}}})),Oe=t(((e,t)=>{let n=M();t.exports=(e,t,r,i,a)=>{typeof r==`string`&&(a=i,i=r,r=void 0);try{return new n(e instanceof n?e.version:e,r).inc(t,i,a).version}catch{return null}}})),K=t(((e,t)=>{let n=ee();t.exports=(e,t,r)=>n(e,t,r)>0})),q=t(((e,t)=>{let n=/\s+/g;t.exports=class e{constructor(t,r){if(r=i(r),t instanceof e)return t.loose===!!r.loose&&t.includePrerelease===!!r.includePrerelease?t:new e(t.raw,r);if(t instanceof a)return this.raw=t.value,this.set=[[t]],this.formatted=void 0,this;if(this.options=r,this.loose=!!r.loose,this.includePrerelease=!!r.includePrerelease,this.raw=t.trim().replace(n,` `),this.set=this.raw.split(`||`).map(e=>this.parseRange(e.trim())).filter(e=>e.length),!this.set.length)throw TypeError(`Invalid SemVer Range: ${this.raw}`);if(this.set.length>1){let e=this.set[0];if(this.set=this.set.filter(e=>!y(e[0])),this.set.length===0)this.set=[e];else if(this.set.length>1){for(let e of this.set)if(e.length===1&&b(e[0])){this.set=[e];break}}}this.formatted=void 0}get range(){if(this.formatted===void 0){this.formatted=``;for(let e=0;e<this.set.length;e++){e>0&&(this.formatted+=`||`);let t=this.set[e];for(let e=0;e<t.length;e++)e>0&&(this.formatted+=` `),this.formatted+=t[e].toString().trim()}}return this.formatted}format(){return this.range}toString(){return this.range}parseRange(e){e=e.replace(v,``);let t=((this.options.includePrerelease&&g)|(this.options.loose&&_))+`:`+e,n=r.get(t);if(n)return n;let i=this.options.loose,s=i?u[f.HYPHENRANGELOOSE]:u[f.HYPHENRANGE];e=e.replace(s,I(this.options.includePrerelease)),o(`hyphen replace`,e),e=l(e),o(`comparator trim`,e),e=e.replace(u[f.TILDETRIM],m),o(`tilde trim`,e),e=e.replace(u[f.CARETTRIM],h),o(`caret trim`,e);let c=e.split(` `).map(e=>S(e,this.options)).join(` `).split(/\s+/).map(e=>N(e,this.options));i&&(c=c.filter(e=>(o(`loose invalid filter`,e,this.options),!!e.match(u[f.COMPARATORLOOSE])))),o(`range list`,c);let d=new Map,p=c.map(e=>new a(e,this.options));for(let e of p){if(y(e))return[e];d.set(e.value,e)}d.size>1&&d.has(``)&&d.delete(``);let b=[...d.values()];return r.set(t,b),b}intersects(t,n){if(!(t instanceof e))throw TypeError(`a Range is required`);return this.set.some(e=>x(e,n)&&t.set.some(t=>x(t,n)&&e.every(e=>t.every(t=>e.intersects(t,n)))))}test(e){if(!e)return!1;if(typeof e==`string`)try{e=new c(e,this.options)}catch{return!1}for(let t=0;t<this.set.length;t++)if(L(this.set[t],e,this.options))return!0;return!1}};let r=new(p()),i=F(),a=H(),o=P(),c=M(),l=me(),{safeRe:u,src:d,t:f,tildeTrimReplace:m,caretTrimReplace:h}=ce(),{FLAG_INCLUDE_PRERELEASE:g,FLAG_LOOSE:_}=s(),v=new RegExp(d[f.BUILD],`g`),y=e=>e.value===`<0.0.0-0`,b=e=>e.value===``,x=(e,t)=>{let n=!0,r=e.slice(),i=r.pop();for(;n&&r.length;)n=r.every(e=>i.intersects(e,t)),i=r.pop();return n},S=(e,t)=>(e=e.replace(u[f.BUILD],``),o(`comp`,e,t),e=D(e,t),o(`caret`,e),e=T(e,t),o(`tildes`,e),e=k(e,t),o(`xrange`,e),e=j(e,t),o(`stars`,e),e),C=e=>!e||e.toLowerCase()===`x`||e===`*`,w=(e,t,n)=>C(e)&&!C(t)||C(t)&&n&&!C(n),T=(e,t)=>e.trim().split(/\s+/).map(e=>E(e,t)).join(` `),E=(e,t)=>{let n=t.loose?u[f.TILDELOOSE]:u[f.TILDE],r=t.includePrerelease?`-0`:``;return e.replace(n,(t,n,i,a,s)=>{o(`tilde`,e,t,n,i,a,s);let c;return C(n)?c=``:C(i)?c=`>=${n}.0.0${r} <${+n+1}.0.0-0`:C(a)?c=`>=${n}.${i}.0${r} <${n}.${+i+1}.0-0`:s?(o(`replaceTilde pr`,s),c=`>=${n}.${i}.${a}-${s} <${n}.${+i+1}.0-0`):c=`>=${n}.${i}.${a} <${n}.${+i+1}.0-0`,o(`tilde return`,c),c})},D=(e,t)=>e.trim().split(/\s+/).map(e=>O(e,t)).join(` `),O=(e,t)=>{o(`caret`,e,t);let n=t.loose?u[f.CARETLOOSE]:u[f.CARET],r=t.includePrerelease?`-0`:``;return e.replace(n,(t,n,i,a,s)=>{o(`caret`,e,t,n,i,a,s);let c;return C(n)?c=``:C(i)?c=`>=${n}.0.0${r} <${+n+1}.0.0-0`:C(a)?c=n===`0`?`>=${n}.${i}.0${r} <${n}.${+i+1}.0-0`:`>=${n}.${i}.0${r} <${+n+1}.0.0-0`:s?(o(`replaceCaret pr`,s),c=n===`0`?i===`0`?`>=${n}.${i}.${a}-${s} <${n}.${i}.${+a+1}-0`:`>=${n}.${i}.${a}-${s} <${n}.${+i+1}.0-0`:`>=${n}.${i}.${a}-${s} <${+n+1}.0.0-0`):(o(`no pr`),c=n===`0`?i===`0`?`>=${n}.${i}.${a} <${n}.${i}.${+a+1}-0`:`>=${n}.${i}.${a} <${n}.${+i+1}.0-0`:`>=${n}.${i}.${a} <${+n+1}.0.0-0`),o(`caret return`,c),c})},k=(e,t)=>(o(`replaceXRanges`,e,t),e.split(/\s+/).map(e=>A(e,t)).join(` `)),A=(e,t)=>{e=e.trim();let n=t.loose?u[f.XRANGELOOSE]:u[f.XRANGE];return e.replace(n,(n,r,i,a,s,c)=>{if(o(`xRange`,e,n,r,i,a,s,c),w(i,a,s))return e;let l=C(i),u=l||C(a),d=u||C(s),f=d;return r===`=`&&f&&(r=``),c=t.includePrerelease?`-0`:``,l?n=r===`>`||r===`<`?`<0.0.0-0`:`*`:r&&f?(u&&(a=0),s=0,r===`>`?(r=`>=`,u?(i=+i+1,a=0,s=0):(a=+a+1,s=0)):r===`<=`&&(r=`<`,u?i=+i+1:a=+a+1),r===`<`&&(c=`-0`),n=`${r+i}.${a}.${s}${c}`):u?n=`>=${i}.0.0${c} <${+i+1}.0.0-0`:d&&(n=`>=${i}.${a}.0${c} <${i}.${+a+1}.0-0`),o(`xRange return`,n),n})},j=(e,t)=>(o(`replaceStars`,e,t),e.trim().replace(u[f.STAR],``)),N=(e,t)=>(o(`replaceGTE0`,e,t),e.trim().replace(u[t.includePrerelease?f.GTE0PRE:f.GTE0],``)),I=e=>(t,n,r,i,a,o,s,c,l,u,d,f)=>(n=C(r)?``:C(i)?`>=${r}.0.0${e?`-0`:``}`:C(a)?`>=${r}.${i}.0${e?`-0`:``}`:o?`>=${n}`:`>=${n}${e?`-0`:``}`,c=C(l)?``:C(u)?`<${+l+1}.0.0-0`:C(d)?`<${l}.${+u+1}.0-0`:f?`<=${l}.${u}.${d}-${f}`:e?`<${l}.${u}.${+d+1}-0`:`<=${c}`,`${n} ${c}`.trim()),L=(e,t,n)=>{for(let n=0;n<e.length;n++)if(!e[n].test(t))return!1;if(t.prerelease.length&&!n.includePrerelease){for(let n=0;n<e.length;n++)if(o(e[n].semver),e[n].semver!==a.ANY&&e[n].semver.prerelease.length>0){let r=e[n].semver;if(r.major===t.major&&r.minor===t.minor&&r.patch===t.patch)return!0}return!1}return!0}})),ke=t(((e,t)=>{let n=q();t.exports=(e,t)=>new n(e,t).set.map(e=>e.map(e=>e.value).join(` `).trim().split(` `))})),Ae=t(((e,t)=>{let n=M(),r=q();t.exports=(e,t,i)=>{let a=null,o=null,s=null;try{s=new r(t,i)}catch{return null}return e.forEach(e=>{s.test(e)&&(a&&o.compare(e)!==-1||(a=e,o=new n(a,i)))}),a}})),je=t(((e,t)=>{let n=q();t.exports=(e,t)=>{try{return new n(e,t).range||`*`}catch{return null}}})),J=t(((e,t)=>{let n=M(),r=H(),{ANY:i}=r,o=q(),s=he(),c=K(),l=a(),u=f(),d=m();t.exports=(e,t,a,f)=>{e=new n(e,f),t=new o(t,f);let p,m,h,g,_;switch(a){case`>`:p=c,m=u,h=l,g=`>`,_=`>=`;break;case`<`:p=l,m=d,h=c,g=`<`,_=`<=`;break;default:throw TypeError(`Must provide a hilo val of "<" or ">"`)}if(s(e,t,f))return!1;for(let n=0;n<t.set.length;++n){let a=t.set[n],o=null,s=null;if(a.forEach(e=>{e.semver===i&&(e=new r(`>=0.0.0`)),o||=e,s||=e,p(e.semver,o.semver,f)?o=e:h(e.semver,s.semver,f)&&(s=e)}),o.operator===g||o.operator===_||(!s.operator||s.operator===g)&&m(e,s.semver)||s.operator===_&&h(e,s.semver))return!1}return!0}})),Me=t(((e,t)=>{let n=J();t.exports=(e,t,r)=>n(e,t,`<`,r)})),Y=t(((e,t)=>{let n=o(),r=c();t.exports=e=i,e.clean=a,e.typeDefs=r,e.lib=n;function i(t,r,i=process.argv,a=2){return n.nopt(i.slice(a),{types:t||{},shorthands:r||{},typeDefs:e.typeDefs,invalidHandler:e.invalidHandler,unknownHandler:e.unknownHandler,abbrevHandler:e.abbrevHandler})}function a(t,r,i=e.typeDefs){return n.clean(t,{types:r||{},typeDefs:i,invalidHandler:e.invalidHandler,unknownHandler:e.unknownHandler,abbrevHandler:e.abbrevHandler})}})),X=t(((e,t)=>{let n=Y(),{validate:r}=ge();var i=class{},a=class{};let o=z(),s=(e,t,n)=>{let r=o(n);if(!r)return!1;e[t]=r},c=n.typeDefs.path.validate,l=(e,t,n)=>typeof n==`string`&&c(e,t,n);t.exports={...n.typeDefs,semver:{type:a,validate:s,description:`full valid SemVer string`},Umask:{type:i,validate:r,description:`octal number in range 0o000..0o777 (0..511)`},url:{...n.typeDefs.url,description:`full url with "http://"`},path:{...n.typeDefs.path,validate:l,description:`valid filesystem path`},Number:{...n.typeDefs.Number,description:`numeric value`},Boolean:{...n.typeDefs.Boolean,description:`boolean value (true or false)`},Date:{...n.typeDefs.Date,description:`valid Date string`}},n.typeDefs=t.exports})),Z=t(((e,t)=>{let n=/(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}/g;t.exports=(e,t)=>e.replace(n,(e,n,r,i)=>{let a=i===`?`?``:`$\{${r}}`,o=t[r]===void 0?a:t[r];return n.length%2?e.slice((n.length+1)/2):n.slice(n.length/2)+o})})),Ne=t(((e,t)=>{let n=x(),r=e=>{let t=e.indexOf(`#`),n=e.indexOf(`/`),r=e.indexOf(`/`,n+1),i=e.indexOf(`:`),a=/\s/.exec(e),o=e.indexOf(`@`),s=!a||t>-1&&a.index>t,c=o===-1||t>-1&&o>t,l=i===-1||t>-1&&i>t,u=r===-1||t>-1&&r>t,d=n>0,f=t>-1?e[t-1]!==`/`:!e.endsWith(`/`),p=!e.startsWith(`.`);return s&&d&&f&&p&&c&&l&&u};t.exports=(e,t,{gitHosts:i,protocols:a})=>{if(!e)return;let o=r(e)?`github:${e}`:e,s=n(o,a);if(!s)return;let c=i.byShortcut[s.protocol],l=i.byDomain[s.hostname.startsWith(`www.`)?s.hostname.slice(4):s.hostname],u=c||l;if(!u)return;let d=i[c||l],f=null;a[s.protocol]?.auth&&(s.username||s.password)&&(f=`${s.username}${s.password?`:`+s.password:``}`);let p=null,m=null,h=null,g=null;try{if(c){let e=s.pathname.startsWith(`/`)?s.pathname.slice(1):s.pathname,t=e.indexOf(`@`);t>-1&&(e=e.slice(t+1));let n=e.lastIndexOf(`/`);n>-1?(m=decodeURIComponent(e.slice(0,n)),m||=null,h=decodeURIComponent(e.slice(n+1))):h=decodeURIComponent(e),h.endsWith(`.git`)&&(h=h.slice(0,-4)),s.hash&&(p=decodeURIComponent(s.hash.slice(1))),g=`shortcut`}else{if(!d.protocols.includes(s.protocol))return;let e=d.extract(s);if(!e)return;m=e.user&&decodeURIComponent(e.user),h=decodeURIComponent(e.project),p=decodeURIComponent(e.committish),g=a[s.protocol]?.name||s.protocol.slice(0,-1)}}catch(e){if(e instanceof URIError)return;throw e}return[u,m,f,h,p,g,t]}})),Pe=t(((e,t)=>{t.exports=`0BSD,3D-Slicer-1.0,AAL,ADSL,AFL-1.1,AFL-1.2,AFL-2.0,AFL-2.1,AFL-3.0,AGPL-1.0-only,AGPL-1.0-or-later,AGPL-3.0-only,AGPL-3.0-or-later,ALGLIB-Documentation,AMD-newlib,AMDPLPA,AML,AML-glslang,AMPAS,ANTLR-PD,ANTLR-PD-fallback,APAFML,APL-1.0,APSL-1.0,APSL-1.1,APSL-1.2,APSL-2.0,ASWF-Digital-Assets-1.0,ASWF-Digital-Assets-1.1,Abstyles,AdaCore-doc,Adobe-2006,Adobe-Display-PostScript,Adobe-Glyph,Adobe-Utopia,Advanced-Cryptics-Dictionary,Afmparse,Aladdin,Apache-1.0,Apache-1.1,Apache-2.0,App-s2p,Arphic-1999,Artistic-1.0,Artistic-1.0-Perl,Artistic-1.0-cl8,Artistic-2.0,Artistic-dist,Aspell-RU,BOLA-1.1,BSD-1-Clause,BSD-2-Clause,BSD-2-Clause-Darwin,BSD-2-Clause-Patent,BSD-2-Clause-Views,BSD-2-Clause-first-lines,BSD-2-Clause-pkgconf-disclaimer,BSD-2-Clause-pos-unchanged,BSD-3-Clause,BSD-3-Clause-Attribution,BSD-3-Clause-Clear,BSD-3-Clause-HP,BSD-3-Clause-LBNL,BSD-3-Clause-Modification,BSD-3-Clause-No-Military-License,BSD-3-Clause-No-Nuclear-License,BSD-3-Clause-No-Nuclear-License-2014,BSD-3-Clause-No-Nuclear-Warranty,BSD-3-Clause-Open-MPI,BSD-3-Clause-OpenWebUI,BSD-3-Clause-Sun,BSD-3-Clause-Tso,BSD-3-Clause-acpica,BSD-3-Clause-flex,BSD-4-Clause,BSD-4-Clause-Shortened,BSD-4-Clause-UC,BSD-4.3RENO,BSD-4.3TAHOE,BSD-Advertising-Acknowledgement,BSD-Attribution-HPND-disclaimer,BSD-Inferno-Nettverk,BSD-Mark-Modifications,BSD-Protection,BSD-Source-Code,BSD-Source-Code-no-disclaimer,BSD-Source-alt-GPL,BSD-Source-beginning-file,BSD-Systemics,BSD-Systemics-W3Works,BSD-ask-to-endorse,BSL-1.0,BUSL-1.1,Baekmuk,Bahyph,Barr,Beerware,BitTorrent-1.0,BitTorrent-1.1,Bitstream-Charter,Bitstream-Vera,BlueOak-1.0.0,Boehm-GC,Boehm-GC-without-fee,Borceux,Brian-Gladman-2-Clause,Brian-Gladman-3-Clause,Brian-Gladman-3-Clause-no-conversion,Buddy,Bugroff,C-UDA-1.0,CAL-1.0,CAL-1.0-Combined-Work-Exception,CAPEC-tou,CATOSL-1.1,CC-BY-1.0,CC-BY-2.0,CC-BY-2.5,CC-BY-2.5-AU,CC-BY-3.0,CC-BY-3.0-AT,CC-BY-3.0-AU,CC-BY-3.0-DE,CC-BY-3.0-IGO,CC-BY-3.0-NL,CC-BY-3.0-US,CC-BY-4.0,CC-BY-NC-1.0,CC-BY-NC-2.0,CC-BY-NC-2.5,CC-BY-NC-3.0,CC-BY-NC-3.0-DE,CC-BY-NC-3.0-IGO,CC-BY-NC-4.0,CC-BY-NC-ND-1.0,CC-BY-NC-ND-2.0,CC-BY-NC-ND-2.5,CC-BY-NC-ND-3.0,CC-BY-NC-ND-3.0-DE,CC-BY-NC-ND-3.0-IGO,CC-BY-NC-ND-4.0,CC-BY-NC-SA-1.0,CC-BY-NC-SA-2.0,CC-BY-NC-SA-2.0-DE,CC-BY-NC-SA-2.0-FR,CC-BY-NC-SA-2.0-UK,CC-BY-NC-SA-2.5,CC-BY-NC-SA-3.0,CC-BY-NC-SA-3.0-DE,CC-BY-NC-SA-3.0-IGO,CC-BY-NC-SA-4.0,CC-BY-ND-1.0,CC-BY-ND-2.0,CC-BY-ND-2.5,CC-BY-ND-3.0,CC-BY-ND-3.0-DE,CC-BY-ND-4.0,CC-BY-SA-1.0,CC-BY-SA-2.0,CC-BY-SA-2.0-UK,CC-BY-SA-2.1-JP,CC-BY-SA-2.5,CC-BY-SA-3.0,CC-BY-SA-3.0-AT,CC-BY-SA-3.0-DE,CC-BY-SA-3.0-IGO,CC-BY-SA-4.0,CC-PDDC,CC-PDM-1.0,CC-SA-1.0,CC0-1.0,CDDL-1.0,CDDL-1.1,CDL-1.0,CDLA-Permissive-1.0,CDLA-Permissive-2.0,CDLA-Sharing-1.0,CECILL-1.0,CECILL-1.1,CECILL-2.0,CECILL-2.1,CECILL-B,CECILL-C,CERN-OHL-1.1,CERN-OHL-1.2,CERN-OHL-P-2.0,CERN-OHL-S-2.0,CERN-OHL-W-2.0,CFITSIO,CMU-Mach,CMU-Mach-nodoc,CNRI-Jython,CNRI-Python,CNRI-Python-GPL-Compatible,COIL-1.0,CPAL-1.0,CPL-1.0,CPOL-1.02,CUA-OPL-1.0,Caldera,Caldera-no-preamble,Catharon,ClArtistic,Clips,Community-Spec-1.0,Condor-1.1,Cornell-Lossless-JPEG,Cronyx,Crossword,CryptoSwift,CrystalStacker,Cube,D-FSL-1.0,DEC-3-Clause,DL-DE-BY-2.0,DL-DE-ZERO-2.0,DOC,DRL-1.0,DRL-1.1,DSDP,DocBook-DTD,DocBook-Schema,DocBook-Stylesheet,DocBook-XML,Dotseqn,ECL-1.0,ECL-2.0,EFL-1.0,EFL-2.0,EPICS,EPL-1.0,EPL-2.0,ESA-PL-permissive-2.4,ESA-PL-strong-copyleft-2.4,ESA-PL-weak-copyleft-2.4,EUDatagrid,EUPL-1.0,EUPL-1.1,EUPL-1.2,Elastic-2.0,Entessa,ErlPL-1.1,Eurosym,FBM,FDK-AAC,FDK-MPEG-H,FSFAP,FSFAP-no-warranty-disclaimer,FSFUL,FSFULLR,FSFULLRSD,FSFULLRWD,FSL-1.1-ALv2,FSL-1.1-MIT,FTL,Fair,Ferguson-Twofish,Frameworx-1.0,FreeBSD-DOC,FreeImage,Furuseth,GCR-docs,GD,GFDL-1.1-invariants-only,GFDL-1.1-invariants-or-later,GFDL-1.1-no-invariants-only,GFDL-1.1-no-invariants-or-later,GFDL-1.1-only,GFDL-1.1-or-later,GFDL-1.2-invariants-only,GFDL-1.2-invariants-or-later,GFDL-1.2-no-invariants-only,GFDL-1.2-no-invariants-or-later,GFDL-1.2-only,GFDL-1.2-or-later,GFDL-1.3-invariants-only,GFDL-1.3-invariants-or-later,GFDL-1.3-no-invariants-only,GFDL-1.3-no-invariants-or-later,GFDL-1.3-only,GFDL-1.3-or-later,GL2PS,GLWTPL,GPL-1.0-only,GPL-1.0-or-later,GPL-2.0-only,GPL-2.0-or-later,GPL-3.0-only,GPL-3.0-or-later,Game-Programming-Gems,Giftware,Glide,Glulxe,Graphics-Gems,Gutmann,HDF5,HIDAPI,HP-1986,HP-1989,HPND,HPND-DEC,HPND-Fenneberg-Livingston,HPND-INRIA-IMAG,HPND-Intel,HPND-Kevlin-Henney,HPND-MIT-disclaimer,HPND-Markus-Kuhn,HPND-Netrek,HPND-Pbmplus,HPND-SMC,HPND-UC,HPND-UC-export-US,HPND-doc,HPND-doc-sell,HPND-export-US,HPND-export-US-acknowledgement,HPND-export-US-modify,HPND-export2-US,HPND-merchantability-variant,HPND-sell-MIT-disclaimer-xserver,HPND-sell-regexpr,HPND-sell-variant,HPND-sell-variant-MIT-disclaimer,HPND-sell-variant-MIT-disclaimer-rev,HPND-sell-variant-critical-systems,HTMLTIDY,HaskellReport,Hippocratic-2.1,Hippocratic-3.0-core,IBM-pibs,ICU,IEC-Code-Components-EULA,IJG,IJG-short,IPA,IPL-1.0,ISC,ISC-Veillard,ISO-permission,ImageMagick,Imlib2,Info-ZIP,Informatica,Inner-Net-2.0,InnoSetup,Intel,Intel-ACPI,Interbase-1.0,JPL-image,JPNIC,JSON,Jam,JasPer-2.0,Kastrup,Kazlib,Knuth-CTAN,LAL-1.2,LAL-1.3,LGPL-2.0-only,LGPL-2.0-or-later,LGPL-2.1-only,LGPL-2.1-or-later,LGPL-3.0-only,LGPL-3.0-or-later,LGPLLR,LOOP,LPD-document,LPL-1.0,LPL-1.02,LPPL-1.0,LPPL-1.1,LPPL-1.2,LPPL-1.3a,LPPL-1.3c,LZMA-SDK-9.11-to-9.20,LZMA-SDK-9.22,Latex2e,Latex2e-translated-notice,Leptonica,LiLiQ-P-1.1,LiLiQ-R-1.1,LiLiQ-Rplus-1.1,Libpng,Linux-OpenIB,Linux-man-pages-1-para,Linux-man-pages-copyleft,Linux-man-pages-copyleft-2-para,Linux-man-pages-copyleft-var,Lucida-Bitmap-Fonts,MIPS,MIT,MIT-0,MIT-CMU,MIT-Click,MIT-Festival,MIT-Khronos-old,MIT-Modern-Variant,MIT-STK,MIT-Wu,MIT-advertising,MIT-enna,MIT-feh,MIT-open-group,MIT-testregex,MITNFA,MMIXware,MMPL-1.0.1,MPEG-SSG,MPL-1.0,MPL-1.1,MPL-2.0,MPL-2.0-no-copyleft-exception,MS-LPL,MS-PL,MS-RL,MTLL,MVT-1.1,Mackerras-3-Clause,Mackerras-3-Clause-acknowledgment,MakeIndex,Martin-Birgmeier,McPhee-slideshow,Minpack,MirOS,Motosoto,MulanPSL-1.0,MulanPSL-2.0,Multics,Mup,NAIST-2003,NASA-1.3,NBPL-1.0,NCBI-PD,NCGL-UK-2.0,NCL,NCSA,NGPL,NICTA-1.0,NIST-PD,NIST-PD-TNT,NIST-PD-fallback,NIST-Software,NLOD-1.0,NLOD-2.0,NLPL,NOSL,NPL-1.0,NPL-1.1,NPOSL-3.0,NRL,NTIA-PD,NTP,NTP-0,Naumen,NetCDF,Newsletr,Nokia,Noweb,O-UDA-1.0,OAR,OCCT-PL,OCLC-2.0,ODC-By-1.0,ODbL-1.0,OFFIS,OFL-1.0,OFL-1.0-RFN,OFL-1.0-no-RFN,OFL-1.1,OFL-1.1-RFN,OFL-1.1-no-RFN,OGC-1.0,OGDL-Taiwan-1.0,OGL-Canada-2.0,OGL-UK-1.0,OGL-UK-2.0,OGL-UK-3.0,OGTSL,OLDAP-1.1,OLDAP-1.2,OLDAP-1.3,OLDAP-1.4,OLDAP-2.0,OLDAP-2.0.1,OLDAP-2.1,OLDAP-2.2,OLDAP-2.2.1,OLDAP-2.2.2,OLDAP-2.3,OLDAP-2.4,OLDAP-2.5,OLDAP-2.6,OLDAP-2.7,OLDAP-2.8,OLFL-1.3,OML,OPL-1.0,OPL-UK-3.0,OPUBL-1.0,OSC-1.0,OSET-PL-2.1,OSL-1.0,OSL-1.1,OSL-2.0,OSL-2.1,OSL-3.0,OSSP,OpenMDW-1.0,OpenPBS-2.3,OpenSSL,OpenSSL-standalone,OpenVision,PADL,PDDL-1.0,PHP-3.0,PHP-3.01,PPL,PSF-2.0,ParaType-Free-Font-1.3,Parity-6.0.0,Parity-7.0.0,Pixar,Plexus,PolyForm-Noncommercial-1.0.0,PolyForm-Small-Business-1.0.0,PostgreSQL,Python-2.0,Python-2.0.1,QPL-1.0,QPL-1.0-INRIA-2004,Qhull,RHeCos-1.1,RPL-1.1,RPL-1.5,RPSL-1.0,RSA-MD,RSCPL,Rdisc,Ruby,Ruby-pty,SAX-PD,SAX-PD-2.0,SCEA,SGI-B-1.0,SGI-B-1.1,SGI-B-2.0,SGI-OpenGL,SGMLUG-PM,SGP4,SHL-0.5,SHL-0.51,SISSL,SISSL-1.2,SL,SMAIL-GPL,SMLNJ,SMPPL,SNIA,SOFA,SPL-1.0,SSH-OpenSSH,SSH-short,SSLeay-standalone,SSPL-1.0,SUL-1.0,SWL,Saxpath,SchemeReport,Sendmail,Sendmail-8.23,Sendmail-Open-Source-1.1,SimPL-2.0,Sleepycat,Soundex,Spencer-86,Spencer-94,Spencer-99,SugarCRM-1.1.3,Sun-PPP,Sun-PPP-2000,SunPro,Symlinks,TAPR-OHL-1.0,TCL,TCP-wrappers,TGPPL-1.0,TMate,TORQUE-1.1,TOSL,TPDL,TPL-1.0,TTWL,TTYP0,TU-Berlin-1.0,TU-Berlin-2.0,TekHVC,TermReadKey,ThirdEye,TrustedQSL,UCAR,UCL-1.0,UMich-Merit,UPL-1.0,URT-RLE,Ubuntu-font-1.0,UnRAR,Unicode-3.0,Unicode-DFS-2015,Unicode-DFS-2016,Unicode-TOU,UnixCrypt,Unlicense,Unlicense-libtelnet,Unlicense-libwhirlpool,VOSTROM,VSL-1.0,Vim,Vixie-Cron,W3C,W3C-19980720,W3C-20150513,WTFNMFPL,WTFPL,Watcom-1.0,Widget-Workshop,WordNet,Wsuipa,X11,X11-distribute-modifications-variant,X11-no-permit-persons,X11-swapped,XFree86-1.1,XSkat,Xdebug-1.03,Xerox,Xfig,Xnet,YPL-1.0,YPL-1.1,ZPL-1.1,ZPL-2.0,ZPL-2.1,Zed,Zeeff,Zend-2.0,Zimbra-1.3,Zimbra-1.4,Zlib,any-OSI,any-OSI-perl-modules,atc-game,bcrypt-Solar-Designer,blessing,bzip2-1.0.6,check-cvs,checkmk,copyleft-next-0.3.0,copyleft-next-0.3.1,curl,cve-tou,diffmark,dtoa,dvipdfm,eGenix,etalab-2.0,fwlw,gSOAP-1.3b,generic-xts,gnuplot,gtkbook,hdparm,hyphen-bulgarian,iMatix,jove,libpng-1.6.35,libpng-2.0,libselinux-1.0,libtiff,libutil-David-Nugent,lsof,magaz,mailprio,man2html,metamail,mpi-permissive,mpich2,mplus,ngrep,pkgconf,pnmstitch,psfrag,psutils,python-ldap,radvd,snprintf,softSurfer,ssh-keyscan,swrule,threeparttable,ulem,w3m,wwl,xinetd,xkeyboard-config-Zinoviev,xlock,xpp,xzoom,zlib-acknowledgement`.split(`,`)})),Fe=t(((e,t)=>{t.exports=`AGPL-1.0,AGPL-3.0,BSD-2-Clause-FreeBSD,BSD-2-Clause-NetBSD,GFDL-1.1,GFDL-1.2,GFDL-1.3,GPL-1.0,GPL-2.0,GPL-2.0-with-GCC-exception,GPL-2.0-with-autoconf-exception,GPL-2.0-with-bison-exception,GPL-2.0-with-classpath-exception,GPL-2.0-with-font-exception,GPL-3.0,GPL-3.0-with-GCC-exception,GPL-3.0-with-autoconf-exception,LGPL-2.0,LGPL-2.1,LGPL-3.0,Net-SNMP,Nunit,StandardML-NJ,bzip2-1.0.5,eCos-2.0,wxWindows`.split(`,`)})),Ie=t(((e,t)=>{let n=I(),r;try{r=n.sync(`git`)}catch{}t.exports=(e={})=>e.git?e.git:!r||e.git===!1?Object.assign(Error(`No git binary found in $PATH`),{code:`ENOGIT`}):r})),Le=t((e=>{e.isWindows=e=>(e.fakePlatform||process.platform)===`win32`})),Re=t(((t,n)=>{let i=process.platform===`win32`,{URL:a}=e(`node:url`),o=e(i?`node:path/win32`:`node:path`),{homedir:s}=e(`node:os`),c=U(),l=r(),u=ve(),{log:d}=W(),f=i?/\\|[/]/:/[/]/,p=/^(?:git[+])?[a-z]+:/i,m=/^[^@]+@[^:.]+\.[^:]+:.+$/i,h=/[.](?:tgz|tar\.gz|tar)$/i,g=/:[0-9]+(\/|$)/i,_=/^(?:[.]|~[/]|[/\\]|[a-zA-Z]:)/,v=/^(?:[.]|~[/]|[/]|[a-zA-Z]:)/,y=`https://registry.npmjs.org`;function b(e,t){let n,r;if(typeof e==`object`)return e instanceof O&&(!t||t===e.where)?e:e.name&&e.rawSpec?b.resolve(e.name,e.rawSpec,t||e.where):b(e.raw,t||e.where);let i=e.indexOf(`@`,1),a=i>0?e.slice(0,i):e;return p.test(e)?r=e:m.test(e)?r=`git+ssh://${e}`:!a.startsWith(`@`)&&(f.test(a)||h.test(a))?r=e:i>0?(n=a,r=e.slice(i+1)||`*`):u(e).validForOldPackages?(n=e,r=`*`):r=e,C(n,r,t,e)}function x(e){return e?e.toLowerCase().startsWith(`file:`)?!0:i?_.test(e):v.test(e):!1}function S(e){return e?e.toLowerCase().startsWith(`npm:`):!1}function C(e,t,n,r){let i=new O({raw:r,name:e,rawSpec:t,fromArgument:r!=null});if(e&&(i.name=e),n||=process.cwd(),x(t))return M(i,n);if(S(t))return I(i,n);let a=c.fromUrl(t,{noGitPlus:!0,noCommittish:!0});return a?N(i,a):t&&p.test(t)?F(i):t&&(f.test(t)||h.test(t))?M(i,n):L(i)}function w(e,t=y){let n=b(e);if(n.type!==`version`)throw D(n.type,n.raw);let r=`pkg:npm/`+n.name.replace(/^@/,`%40`)+`@`+n.rawSpec;return t!==y&&(r+=`?repository_url=`+t),r}function T(e,t,n){let r=Error(`Invalid package name "${e}" of package "${n}": ${t.errors.join(`; `)}.`);return r.code=`EINVALIDPACKAGENAME`,r}function E(e,t){let n=Error(`Invalid tag name "${e}" of package "${t}": Tags may not have any characters that encodeURIComponent encodes.`);return n.code=`EINVALIDTAGNAME`,n}function D(e,t){let n=Error(`Invalid type "${e}" of package "${t}": Purl can only be generated for "version" types.`);return n.code=`EINVALIDPURLTYPE`,n}var O=class{constructor(e){this.type=e.type,this.registry=e.registry,this.where=e.where,this.raw=e.raw==null?e.name?`${e.name}@${e.rawSpec}`:e.rawSpec:e.raw,this.name=void 0,this.escapedName=void 0,this.scope=void 0,this.rawSpec=e.rawSpec||``,this.saveSpec=e.saveSpec,this.fetchSpec=e.fetchSpec,e.name&&this.setName(e.name),this.gitRange=e.gitRange,this.gitCommittish=e.gitCommittish,this.gitSubdir=e.gitSubdir,this.hosted=e.hosted}setName(e){let t=u(e);if(!t.validForOldPackages)throw T(e,t,this.raw);return this.name=e,this.scope=e[0]===`@`?e.slice(0,e.indexOf(`/`)):void 0,this.escapedName=e.replace(`/`,`%2f`),this}toString(){let e=[];this.name!=null&&this.name!==``&&e.push(this.name);let t=this.saveSpec||this.fetchSpec||this.rawSpec;return t!=null&&t!==``&&e.push(t),e.length?e.join(`@`):this.raw}toJSON(){let e=Object.assign({},this);return delete e.hosted,e}};function k(e,t){if(!t)e.gitCommittish=null;else for(let n of t.split(`::`)){if(!n.includes(`:`)){if(e.gitRange)throw Error(`cannot override existing semver range with a committish`);if(e.gitCommittish)throw Error(`cannot override existing committish with a second committish`);e.gitCommittish=n;continue}let[t,r]=n.split(`:`);if(t===`semver`){if(e.gitCommittish)throw Error(`cannot override existing committish with a semver range`);if(e.gitRange)throw Error(`cannot override existing semver range with a second semver range`);e.gitRange=decodeURIComponent(r)}else if(t===`path`){if(e.gitSubdir)throw Error(`cannot override existing path with a second path`);e.gitSubdir=`/${r}`}else d.warn(`npm-package-arg`,`ignoring unknown key "${t}"`)}}let A=new Map([[`\0`,`%00`],[`	`,`%09`],[`
`,`%0A`],[`\r`,`%0D`],[` `,`%20`],[`"`,`%22`],[`#`,`%23`],[`%`,`%25`],[`?`,`%3F`],[`[`,`%5B`],[`\\`,i?`/`:`%5C`],[`]`,`%5D`],[`^`,`%5E`],[`|`,`%7C`],[`~`,`%7E`]]);function j(e){let t=``;for(let n=0;n<e.length;n++)t=`${t}${A.get(e[n])??e[n]}`;return t.startsWith(`file:`)?t:`file:${t}`}function M(e,t){e.type=h.test(e.rawSpec)?`file`:`directory`,e.where=t;let n=j(e.rawSpec);n.startsWith(`file:/`)&&(/^file:\/\/[^/]/.test(n)&&(n=`file:/${n.slice(5)}`),/^\/{1,3}\.\.?(\/|$)/.test(n.slice(5))&&(n=n.replace(/^file:\/{1,3}/,`file:`)));let r,c;try{r=new a(n,`${j(o.resolve(t))}/`),c=new a(n)}catch(n){throw Object.assign(Error(`Invalid file: URL, must comply with RFC 8089`),{raw:e.rawSpec,spec:e,where:t,originalError:n})}let l=decodeURIComponent(c.pathname),u=decodeURIComponent(r.pathname);return i&&(l=l.replace(/^\/+([a-z]:\/)/i,`$1`),u=u.replace(/^\/+([a-z]:\/)/i,`$1`)),/^\/~(\/|$)/.test(l)?(e.saveSpec=`file:${l.substr(1)}`,u=o.resolve(s(),l.substr(3))):e.saveSpec=o.isAbsolute(n.slice(5))?`file:${o.resolve(u)}`:`file:${o.relative(t,u)}`,e.fetchSpec=o.resolve(t,u),e.saveSpec=e.saveSpec.split(`\\`).join(`/`),e.saveSpec.startsWith(`file://`)&&(e.saveSpec=`file:/${e.saveSpec.slice(7)}`),e}function N(e,t){return e.type=`git`,e.hosted=t,e.saveSpec=t.toString({noGitPlus:!1,noCommittish:!1}),e.fetchSpec=t.getDefaultRepresentation()===`shortcut`?null:t.toString(),k(e,t.committish),e}function P(e,t){let n=Error(`Unsupported URL Type "${e}": ${t}`);return n.code=`EUNSUPPORTEDPROTOCOL`,n}function F(e){let t=e.rawSpec;if(e.saveSpec=t,t.startsWith(`git+ssh:`)){let n=t.match(/^git\+ssh:\/\/([^:#]+:[^#]+(?:\.git)?)(?:#(.*))?$/i);if(n&&!n[1].match(g))return e.type=`git`,k(e,n[2]),e.fetchSpec=n[1],e}else t.startsWith(`git+file://`)&&(t=t.replace(/\\/g,`/`));let n=new a(t);switch(n.protocol){case`git:`:case`git+http:`:case`git+https:`:case`git+rsync:`:case`git+ftp:`:case`git+file:`:case`git+ssh:`:e.type=`git`,k(e,n.hash.slice(1)),n.protocol===`git+file:`&&/^git\+file:\/\/[a-z]:/i.test(t)?e.fetchSpec=`git+file://${n.host.toLowerCase()}:${n.pathname}`:(n.hash=``,e.fetchSpec=n.toString()),e.fetchSpec.startsWith(`git+`)&&(e.fetchSpec=e.fetchSpec.slice(4));break;case`http:`:case`https:`:e.type=`remote`,e.fetchSpec=e.saveSpec;break;default:throw P(n.protocol,t)}return e}function I(e,t){let n=b(e.rawSpec.substr(4),t);if(n.type===`alias`)throw Error(`nested aliases not supported`);if(!n.registry)throw Error(`aliases only work for registry deps`);if(!n.name)throw Error(`aliases must have a name`);return e.subSpec=n,e.registry=!0,e.type=`alias`,e.saveSpec=null,e.fetchSpec=null,e}function L(e){e.registry=!0;let t=e.rawSpec.trim();e.saveSpec=null,e.fetchSpec=t;let n=l.valid(t,!0),r=l.validRange(t,!0);if(n)e.type=`version`;else if(r)e.type=`range`;else{if(encodeURIComponent(t)!==t)throw E(t,e.raw);e.type=`tag`}return e}n.exports=b,n.exports.resolve=C,n.exports.toPurl=w,n.exports.Result=O})),ze=t(((t,n)=>{let{join:r,basename:i}=e(`path`),a=e=>e.bin?typeof e.bin==`string`?o(e):Array.isArray(e.bin)?s(e):typeof e.bin==`object`?l(e):c(e):c(e),o=e=>e.name?(e.bin={[e.name]:e.bin},l(e)):c(e),s=e=>(e.bin=e.bin.reduce((e,t)=>(e[i(t)]=t,e),{}),l(e)),c=e=>(delete e.bin,e),l=e=>{let t=e.bin,n={},a=!1;return Object.keys(t).forEach(e=>{let o=r(`/`,i(e.replace(/\\|:/g,`/`))).slice(1);if(typeof t[e]!=`string`||!o)return;let s=r(`/`,t[e].replace(/\\/g,`/`)).replace(/\\/g,`/`).slice(1);s&&(n[o]=s,a=!0)}),a?e.bin=n:delete e.bin,e};n.exports=a})),Be=t(((t,n)=>{let r=z(),i=R(),a=e(`node:fs/promises`),o=e(`node:path`),{log:s}=W(),c=e(`node:module`),l;function u(){return l||=U(),l}let d;function f(){return d||=j().glob,d}function p(e,t){if(e.bin&&(typeof e.bin==`string`&&e.name?(t?.push(`"bin" was converted to an object`),e.bin={[e.name]:e.bin}):Array.isArray(e.bin)&&(t?.push(`"bin" was converted to an object`),e.bin=e.bin.reduce((e,t)=>(e[o.basename(t)]=t,e),{})),typeof e.bin==`object`)){for(let n in e.bin){if(typeof e.bin[n]!=`string`){delete e.bin[n],t?.push(`removed invalid "bin[${n}]"`);continue}let r=o.basename(v(n));if(!r){delete e.bin[n],t?.push(`removed invalid "bin[${n}]"`);continue}let i=v(e.bin[n]);i?(r!==n&&(delete e.bin[n],t?.push(`"bin[${n}]" was renamed to "bin[${r}]"`)),i!==e.bin[n]&&t?.push(`"bin[${r}]" script name ${i} was invalid and removed`),e.bin[r]=i):(delete e.bin[n],t?.push(`removed invalid "bin[${n}]"`))}return Object.keys(e.bin).length===0&&(t?.push(`empty "bin" was removed`),delete e.bin),e}delete e.bin}function m(e,t){if(e.man){let n=[];for(let r of Array.isArray(e.man)?e.man:[e.man])typeof r==`string`?n.push(v(r)):t?.push(`removed invalid "man [${r}]"`);if(!n.length)t?.push(`empty "man" was removed`);else return e.man=n,e}delete e.man}function h(e){return!e.match(/[/@\s+%:]/)&&e===encodeURIComponent(e)}function g(e){if(e.charAt(0)!==`@`)return!1;let t=e.slice(1).split(`/`);return t.length===2&&t[0]&&t[1]&&t[0]===encodeURIComponent(t[0])&&t[1]===encodeURIComponent(t[1])}function _(e){return e.replace(/\\|:/g,`/`)}function v(e){let t=_(o.join(`.`,o.join(`/`,_(e))));return t.startsWith(`./`)?``:t}function y(e,{strict:t,steps:n,changes:a,allowLegacyCase:o}){let l=e.content,d=`${l.name??``}@${l.version??``}`;if(n.includes(`fixName`)||n.includes(`fixNameField`)||n.includes(`normalizeData`)){if(!l.name&&!t)a?.push(`Missing "name" field was set to an empty string`),l.name=``;else{if(typeof l.name!=`string`)throw Error(`name field must be a string.`);if(!t){let e=l.name.trim();l.name!==e&&(a?.push(`Whitespace was trimmed from "name"`),l.name=e)}if(l.name.startsWith(`.`)||!(g(l.name)||h(l.name))||t&&!o&&l.name!==l.name.toLowerCase()||l.name.toLowerCase()===`node_modules`||l.name.toLowerCase()===`favicon.ico`)throw Error(`Invalid name: `+JSON.stringify(l.name))}}if(n.includes(`fixName`)&&c.builtinModules.includes(l.name)&&s.warn(`package-json`,d,`Package name "${l.name}" conflicts with a Node.js built-in module name`),n.includes(`fixVersionField`)||n.includes(`normalizeData`)){let e=!t;if(!l.version)l.version=``;else{if(!r(l.version,e))throw Error(`Invalid version: "${l.version}"`);let t=i(l.version,e);t!==l.version&&(a?.push(`"version" was cleaned and set to "${t}"`),l.version=t)}}if(n.includes(`_attributes`))for(let t in l)t.startsWith(`_`)&&(a?.push(`"${t}" was removed`),delete e.content[t]);if(n.includes(`_id`)&&l.name&&l.version&&(a?.push(`"_id" was set to ${d}`),l._id=d),n.includes(`bundledDependencies`)&&(l.bundleDependencies===void 0&&l.bundledDependencies!==void 0&&(l.bundleDependencies=l.bundledDependencies,a?.push(`Deleted incorrect "bundledDependencies"`)),delete l.bundledDependencies),n.includes(`bundleDependencies`)){let e=l.bundleDependencies;e===!1&&!n.includes(`bundleDependenciesDeleteFalse`)?(a?.push(`"bundleDependencies" was changed from "false" to "[]"`),l.bundleDependencies=[]):e===!0?(a?.push(`"bundleDependencies" was auto-populated from "dependencies"`),l.bundleDependencies=Object.keys(l.dependencies||{})):e&&typeof e==`object`?Array.isArray(e)||(a?.push(`"bundleDependencies" was changed from an object to an array`),l.bundleDependencies=Object.keys(e)):`bundleDependencies`in l&&(a?.push(`"bundleDependencies" was removed`),delete l.bundleDependencies)}if(n.includes(`optionalDedupe`)&&l.dependencies&&l.optionalDependencies&&typeof l.optionalDependencies==`object`){for(let e in l.optionalDependencies)a?.push(`optionalDependencies."${e}" was removed`),delete l.dependencies[e];Object.keys(l.dependencies).length||(a?.push(`Empty "optionalDependencies" was removed`),delete l.dependencies)}if((n.includes(`scripts`)||n.includes(`scriptpath`))&&l.scripts!==void 0){let e=/^(\.[/\\])?node_modules[/\\].bin[\\/]/;if(typeof l.scripts==`object`)for(let t in l.scripts)typeof l.scripts[t]==`string`?n.includes(`scriptpath`)&&e.test(l.scripts[t])&&(l.scripts[t]=l.scripts[t].replace(e,``),a?.push(`scripts entry "${t}" was fixed to remove node_modules/.bin reference`)):(delete l.scripts[t],a?.push(`Invalid scripts."${t}" was removed`));else a?.push(`Removed invalid "scripts"`),delete l.scripts}if(n.includes(`funding`)&&l.funding&&typeof l.funding==`string`&&(l.funding={url:l.funding},a?.push(`"funding" was changed to an object with a url attribute`)),(n.includes(`fixRepositoryField`)||n.includes(`normalizeData`))&&(l.repositories&&(a?.push(`"repository" was set to the first entry in "repositories" (${l.repository})`),l.repository=l.repositories[0]),l.repository&&(typeof l.repository==`string`&&(a?.push(`"repository" was changed from a string to an object`),l.repository={type:`git`,url:l.repository}),l.repository.url))){let e=u().fromUrl(l.repository.url),t;e&&(t=e.getDefaultRepresentation()===`shortcut`?e.https():e.toString(),t!==l.repository.url&&(a?.push(`"repository.url" was normalized to "${t}"`),l.repository.url=t))}if(n.includes(`fixDependencies`)||n.includes(`normalizeData`)){for(let e of[`dependencies`,`devDependencies`,`optionalDependencies`])if(l[e]){let t=!0;if(typeof l[e]==`string`&&(a?.push(`"${e}" was converted from a string into an object`),l[e]=l[e].trim().split(/[\n\r\s\t ,]+/),t=!1),Array.isArray(l[e])){t&&a?.push(`"${e}" was converted from an array into an object`);let n={};for(let t of l[e])if(typeof t==`string`){let e=t.trim().split(/(:?[@\s><=])/),r=e.shift();n[r]=e.join(``).replace(/^@/,``).trim()}l[e]=n}}for(let e of[`dependencies`,`devDependencies`])if(e in l){if(!l[e]||typeof l[e]!=`object`)a?.push(`Removed invalid "${e}"`),delete l[e];else for(let t in l[e]){typeof l[e][t]!=`string`&&(a?.push(`Removed invalid "${e}.${t}"`),delete l[e][t]);let n=u().fromUrl(l[e][t])?.toString();n&&n!==l[e][t]&&(a?.push(`Normalized git reference to "${e}.${t}"`),l[e][t]=n.toString())}}}if(n.includes(`normalizeData`)){let{normalizeData:e}=L();e(l,a)}}async function b(e,{steps:t,root:n,changes:r}){let i=e.content,c=i.scripts||{},l=`${i.name??``}@${i.version??``}`;if(t.includes(`gypfile`)&&!c.install&&!c.preinstall&&i.gypfile!==!1&&(await f()(`*.gyp`,{cwd:e.path})).length&&(c.install=`node-gyp rebuild`,i.scripts=c,i.gypfile=!0,r?.push(`"scripts.install" was set to "node-gyp rebuild"`),r?.push(`"gypfile" was set to "true"`)),t.includes(`serverjs`)&&!c.start)try{await a.access(o.join(e.path,`server.js`)),c.start=`node server.js`,i.scripts=c,r?.push(`"scripts.start" was set to "node server.js"`)}catch{}if(t.includes(`authors`)&&!i.contributors)try{i.contributors=(await a.readFile(o.join(e.path,`AUTHORS`),`utf8`)).split(/\r?\n/g).map(e=>e.replace(/^\s*#.*$/,``).trim()).filter(e=>e),r?.push(`"contributors" was auto-populated with the contents of the "AUTHORS" file`)}catch{}if(t.includes(`readme`)&&!i.readme){let t=/\.m?a?r?k?d?o?w?n?$/i,n=await f()(`{README,README.*}`,{cwd:e.path,nocase:!0,mark:!0}),s;for(let e of n)if(!e.endsWith(o.sep)){if(e.match(t)){s=e;break}e.endsWith(`README`)&&(s=e)}s&&(i.readme=await a.readFile(o.join(e.path,s),`utf8`),i.readmeFilename=s,r?.push(`"readme" was set to the contents of ${s}`),r?.push(`"readmeFilename" was set to ${s}`)),i.readme||=`ERROR: No README data found!`}if(t.includes(`mans`)){if(i.directories?.man&&!i.man){let t=v(i.directories.man),n=o.resolve(e.path,t);i.man=(await f()(`**/*.[0-9]`,{cwd:n})).map(t=>o.relative(e.path,o.join(n,t)).split(o.sep).join(`/`))}m(i,r)}if(t.includes(`binDir`)&&i.directories?.bin&&!i.bin&&e.path){let t=v(i.directories.bin);i.bin=(await f()(`**`,{cwd:o.resolve(e.path,t)})).reduce((e,n)=>{if(n&&!n.startsWith(`.`)){let r=o.basename(n);e[r]=`${t}/${v(n)}`}return e},{})}else(t.includes(`bin`)||t.includes(`binDir`)||t.includes(`binRefs`))&&p(i,r);if(t.includes(`gitHead`)&&!i.gitHead){let t=await k().find({cwd:e.path,root:n}),r;if(t)try{r=await a.readFile(o.resolve(t,`.git/HEAD`),`utf8`)}catch{}let s;if(r){if(r.startsWith(`ref: `)){let e=r.replace(/^ref: /,``).trim(),n=o.resolve(t,`.git`,e);try{s=await a.readFile(n,`utf8`),s=s.replace(/^ref: /,``).trim()}catch{}if(!s){let n=o.resolve(t,`.git/packed-refs`);try{let t=await a.readFile(n,`utf8`);if(t){t=t.split(`
`);for(let n=0;n<t.length;n++){let r=t[n].match(/^([0-9a-f]{40}) (.+)$/);if(r&&r[2].trim()===e){s=r[1];break}}}}catch{}}}else s=r.trim()}s&&(i.gitHead=s)}if(t.includes(`fillTypes`)){let t=i.main||`index.js`;if(typeof t!=`string`)throw TypeError(`The "main" attribute must be of type string.`);let n=`./${o.join(o.dirname(t),o.basename(t,o.extname(t)))}.d.ts`;if(!(`types`in i||`typings`in i))try{await a.access(o.join(e.path,n)),i.types=n.split(o.sep).join(`/`)}catch{}}if(t.includes(`binRefs`)&&i.bin instanceof Object)for(let t in i.bin)try{await a.access(o.resolve(e.path,i.bin[t]))}catch{s.warn(`package-json`,l,`No bin file found at ${i.bin[t]}`)}}async function x(e,t){if(!e.content)throw Error(`Can not normalize without content`);await b(e,t),y(e,t)}function S(e,t){y(e,t)}n.exports={normalize:x,syncNormalize:S}})),Q=t(((t,n)=>{let{readFile:r,writeFile:i}=e(`node:fs/promises`),{resolve:a}=e(`node:path`),o=_e(),s=Te(),c=l(),u=de(),{normalize:d,syncNormalize:f}=Be(),{read:p,parse:m}=D(),{packageSort:h}=A(),g=new Set([s,c,u]),_=new Set([...s.knownKeys,`scripts`,`workspaces`]);n.exports=class e{static fixSteps=Object.freeze([`binRefs`,`bundleDependencies`,`fixName`,`fixVersionField`,`fixRepositoryField`,`fixDependencies`,`devDependencies`,`scriptpath`]);static normalizeSteps=Object.freeze([`_id`,`_attributes`,`bundledDependencies`,`bundleDependencies`,`optionalDedupe`,`scripts`,`funding`,`bin`,`binDir`]);static prepareSteps=Object.freeze([`_id`,`_attributes`,`bundledDependencies`,`bundleDependencies`,`bundleDependenciesDeleteFalse`,`gypfile`,`serverjs`,`scriptpath`,`authors`,`readme`,`mans`,`binDir`,`gitHead`,`fillTypes`,`normalizeData`,`binRefs`]);static async create(t,n={}){let r=new e;return await r.create(t),n.data?r.update(n.data):r}static async load(t,n={}){let r=new e;if(!n.create)return r.load(t);try{return await r.load(t)}catch(e){if(!e.message.startsWith(`Could not read package.json`))throw e;return await r.create(t)}}static async fix(t,n){let r=new e;return await r.load(t,!0),r.fix(n)}static async prepare(t,n){let r=new e;return await r.load(t,!0),r.prepare(n)}static async normalize(t,n){let r=new e;return await r.load(t),r.normalize(n)}#e;#t;#n=``;#r=!0;async load(e,t){this.#e=e;let n;try{this.#n=await p(this.filename)}catch(e){if(!t)throw e;n=e}if(n){let e=a(this.path,`index.js`),t;try{t=await r(e,`utf8`)}catch{throw n}try{this.fromComment(t)}catch{throw n}return this.#r=!1,this}return this.fromJSON(this.#n)}fromJSON(e){return this.#t=m(e),this}fromContent(e){if(!e||typeof e!=`object`)throw Error(`Content data must be an object`);return this.#t=e,this.#r=!1,this}fromComment(e){if(e=e.split(/^\/\*\*package(?:\s|$)/m),e.length<2||(e=e[1],e=e.split(/\*\*\/$/m),e.length<2))throw Error(`File has no package in comments`);return e=e[0],e=e.replace(/^\s*\*/gm,``),this.#t=o(e),this}get content(){return this.#t}get path(){return this.#e}get filename(){if(this.path)return a(this.path,`package.json`)}create(e){return this.#e=e,this.#t={},this}update(e){if(!this.content)throw Error("Can not update without content.  Please `load` or `create`");for(let t of g)this.#t=t({content:e,originalContent:this.content});for(let[t,n]of Object.entries(e))_.has(t)||(this.content[t]=n);return this}async save({sort:e}={}){if(!this.#r)throw Error(`No package.json to save to`);let{[Symbol.for(`indent`)]:t,[Symbol.for(`newline`)]:n,...r}=this.content,a=t===void 0?`  `:t,o=n===void 0?`
`:n,s=e?h(r):r,c=`${JSON.stringify(s,null,a)}\n`.replace(/\n/g,o);if(c.trim()!==this.#n.trim()){let e=await i(this.filename,c);return this.#n=c,e}}syncNormalize(e={}){return e.steps=this.constructor.normalizeSteps.filter(e=>e!==`_attributes`),f(this,e),this}async normalize(e={}){return e.steps||=this.constructor.normalizeSteps,await d(this,e),this}async prepare(e={}){return e.steps||=this.constructor.prepareSteps,await d(this,e),this}async fix(e={}){return e.steps=this.constructor.fixSteps,await d(this,e),this}}})),Ve=t(((t,n)=>{let{basename:r,dirname:i}=e(`path`),a=(e,t)=>e.charAt(0)===`@`?`${e}/${t}`:t;n.exports=e=>e?a(r(i(e)),r(e)):!1})),He=t((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.parseClass=void 0;let t={"[:alnum:]":[`\\p{L}\\p{Nl}\\p{Nd}`,!0],"[:alpha:]":[`\\p{L}\\p{Nl}`,!0],"[:ascii:]":[`\\x00-\\x7f`,!1],"[:blank:]":[`\\p{Zs}\\t`,!0],"[:cntrl:]":[`\\p{Cc}`,!0],"[:digit:]":[`\\p{Nd}`,!0],"[:graph:]":[`\\p{Z}\\p{C}`,!0,!0],"[:lower:]":[`\\p{Ll}`,!0],"[:print:]":[`\\p{C}`,!0],"[:punct:]":[`\\p{P}`,!0],"[:space:]":[`\\p{Z}\\t\\r\\n\\v\\f`,!0],"[:upper:]":[`\\p{Lu}`,!0],"[:word:]":[`\\p{L}\\p{Nl}\\p{Nd}\\p{Pc}`,!0],"[:xdigit:]":[`A-Fa-f0-9`,!1]},n=e=>e.replace(/[[\]\\-]/g,`\\$&`),r=e=>e.replace(/[-[\]{}()*+?.,\\^$|#\s]/g,`\\$&`),i=e=>e.join(``);e.parseClass=(e,a)=>{let o=a;if(e.charAt(o)!==`[`)throw Error(`not in a brace expression`);let s=[],c=[],l=o+1,u=!1,d=!1,f=!1,p=!1,m=o,h=``;WHILE:for(;l<e.length;){let r=e.charAt(l);if((r===`!`||r===`^`)&&l===o+1)p=!0,l++;else{if(r===`]`&&u&&!f){m=l+1;break}if(u=!0,r===`\\`&&!f)f=!0,l++;else{if(r===`[`&&!f){for(let[n,[r,i,a]]of Object.entries(t))if(e.startsWith(n,l)){if(h)return[`$.`,!1,e.length-o,!0];l+=n.length,a?c.push(r):s.push(r),d||=i;continue WHILE}}f=!1,h?(r>h?s.push(n(h)+`-`+n(r)):r===h&&s.push(n(r)),h=``,l++):e.startsWith(`-]`,l+1)?(s.push(n(r+`-`)),l+=2):e.startsWith(`-`,l+1)?(h=r,l+=2):(s.push(n(r)),l++)}}}if(m<l)return[``,!1,0,!1];if(!s.length&&!c.length)return[`$.`,!1,e.length-o,!0];if(c.length===0&&s.length===1&&/^\\?.$/.test(s[0])&&!p){let e=s[0].length===2?s[0].slice(-1):s[0];return[r(e),!1,m-o,!1]}let g=`[`+(p?`^`:``)+i(s)+`]`,_=`[`+(p?``:`^`)+i(c)+`]`;return[s.length&&c.length?`(`+g+`|`+_+`)`:s.length?g:_,d,m-o,!0]}})),Ue=t((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.unescape=void 0,e.unescape=(e,{windowsPathsNoEscape:t=!1,magicalBraces:n=!0}={})=>n?t?e.replace(/\[([^/\\])\]/g,`$1`):e.replace(/((?!\\).|^)\[([^/\\])\]/g,`$1$2`).replace(/\\([^/])/g,`$1`):t?e.replace(/\[([^/\\{}])\]/g,`$1`):e.replace(/((?!\\).|^)\[([^/\\{}])\]/g,`$1$2`).replace(/\\([^/{}])/g,`$1`)})),We=t(((t,n)=>{let r=e(`path`),i=Ve(),{minimatch:a}=Ce(),o=Q(),{glob:s}=j();function c(e){let t=[],n=[];for(let r of e){let e=r.match(/^!+/);if(e&&(r=r.slice(e[0].length)),r=r.replace(/^\.?\/+/,``),e&&e[0].length%2==1)n.push(r);else{for(let e=0;e<n.length;++e){let t=n[e];a(r,t)&&n.splice(e,1)}t.push(r)}}for(let e of n)for(let n of a.match(t,e))t.splice(t.indexOf(n),1);return{patterns:t,negatedPatterns:n}}function l(e){let t=Array.isArray(e.packages)?e.packages:e;if(!Array.isArray(t))throw f({message:`workspaces config expects an Array`,code:`EWORKSPACESCONFIG`});return c(t)}function u(e,t){return e.name||i(t)}function d(e){return e=e.replace(/\\/g,`/`),e.endsWith(`/`)?e:`${e}/`}function f({Type:e=TypeError,message:t,code:n}){return Object.assign(new e(t),{code:n})}function p(e){return new Map(Array.from(e,e=>e.reverse()))}async function m(e={}){if(!e||!e.pkg)throw f({message:`mapWorkspaces missing pkg info`,code:`EMAPWORKSPACESPKG`});e.cwd||=process.cwd();let{workspaces:t=[]}=e.pkg,{patterns:n,negatedPatterns:i}=l(t),c=new Map;if(!n.length&&!i.length)return c;let p=new Map,m=await s(n.map(e=>d(e)),{...e,ignore:[...e.ignore||[],`**/node_modules/**`,...i]});m=m.sort((e,t)=>e.localeCompare(t,`en`));let g=[];for(let e of n)g.push(...m.filter(t=>a(t,e,{partial:!0,windowsPathsNoEscape:!0})));for(let t of g){let n;try{n=await o.normalize(r.join(e.cwd,t))}catch(e){if(e.code===`ENOENT`||e.code===`ENOTDIR`)continue;throw e}let i=u(n.content,n.path),a=p.get(i);a||(a=new Set,p.set(i,a)),a.add(n.path)}let _=[`must not have multiple workspaces with the same name`];for(let[e,t]of p)t.size>1?h(_,e,t):c.set(e,t.values().next().value);if(_.length>1)throw f({Type:Error,message:_.join(`
`),code:`EDUPLICATEWORKSPACE`});return c}function h(e,t,n){e.push(`package '${t}' has conflicts in the following paths:`);for(let t of n)e.push(`    `+t)}m.virtual=function(e={}){if(!e||!e.lockfile)throw f({message:`mapWorkspaces.virtual missing lockfile info`,code:`EMAPWORKSPACESLOCKFILE`});e.cwd||=process.cwd();let{packages:t={}}=e.lockfile,{workspaces:n=[]}=t[``]||{},i=new Map,{patterns:o,negatedPatterns:s}=l(n);if(!o.length&&!s.length)return i;s.push(`**/node_modules/**`);let c=Object.keys(t);for(let e of s)for(let t of a.match(c,e))c.splice(c.indexOf(t),1);for(let n of o)for(let o of a.match(c,n)){let n=r.join(e.cwd,o),a=u(t[o],n);i.set(n,a)}return p(i)},n.exports=m})),Ge=t(((t,n)=>{let{walkUp:r}=O(),a=d(),o=Y(),{log:s,time:c}=W(),{resolve:l,dirname:f,join:p}=e(`node:path`),{homedir:m}=e(`node:os`),{readFile:h,writeFile:g,chmod:_,unlink:v,stat:y,mkdir:b}=e(`node:fs/promises`),x=[`npm-version`,`global-prefix`,`local-prefix`],S=(...e)=>y(l(...e)).then(e=>e.isFile()).catch(()=>!1),C=(...e)=>y(l(...e)).then(e=>e.isDirectory()).catch(()=>!1),w=(e,t)=>Object.prototype.hasOwnProperty.call(e,t),T=X(),E=fe(),D=Z(),k=i(),A=u(),j=new Set([`global`,`user`,`project`]),M=new Set([`default`,`builtin`,...j,`env`,`cli`]);var P=class{#e=!1;#t;#n=null;#r=[];static get typeDefs(){return T}constructor({definitions:e,shorthands:t,flatten:n,nerfDarts:r=[],npmPath:i,env:a=process.env,argv:o=process.argv,platform:s=process.platform,execPath:c=process.execPath,cwd:l=process.cwd(),excludeNpmCwd:u=!1,warn:d=!0}){this.nerfDarts=r,this.definitions=e;let{types:f,defaults:m,deprecated:h}=R(e);this.deprecated=h,this.#t=n,this.types=f,this.shorthands=t,this.defaults=m,this.npmPath=i,this.npmBin=p(this.npmPath,`bin/npm-cli.js`),this.argv=o,this.env=a,this.execPath=c,this.platform=s,this.cwd=l,this.excludeNpmCwd=u,this.globalPrefix=null,this.localPrefix=null,this.localPackage=null,this.home=null;let g=[...M];this.data=new Map;let _=null;for(let e of g)this.data.set(e,_=new L(_));this.data.set=()=>{throw Error(`cannot change internal config data structure`)},this.data.delete=()=>{throw Error(`cannot change internal config data structure`)},this.sources=new Map([]);for(let{data:e}of this.data.values())this.list.unshift(e);this.#e=!1,this.warn=d}get list(){let e=[];for(let{data:t}of this.data.values())e.unshift(t);return e}get loaded(){return this.#e}get prefix(){return this.#i(`global`)?this.globalPrefix:this.localPrefix}find(e){if(!this.loaded)throw Error(`call config.load() before reading values`);let t=[...this.data.entries()];for(let n=t.length-1;n>-1;n--){let[r,{data:i}]=t[n];if(w(i,e))return r}return null}get(e,t){if(!this.loaded)throw Error(`call config.load() before reading values`);return this.#i(e,t)}#i(e,t=null){if(t!==null&&!M.has(t))throw Error(`invalid config location param: `+t);let{data:n}=this.data.get(t||`cli`);return t===null||w(n,e)?n[e]:void 0}set(e,t,n=`cli`){if(!this.loaded)throw Error(`call config.load() before setting values`);if(!M.has(n))throw Error(`invalid config location param: `+n);this.#s(e);let{data:r,raw:i}=this.data.get(n);r[e]=t,[`global`,`user`,`project`].includes(n)&&(i[e]=t),this.data.get(n)[I]=null,this.#n=null}get flat(){if(this.#n)return this.#n;let e=c.start(`config:load:flatten`);this.#n={};for(let{data:e}of this.data.values())this.#t(e,this.#n);return this.#n.nodeBin=this.execPath,this.#n.npmBin=this.npmBin,e(),this.#n}delete(e,t=`cli`){if(!this.loaded)throw Error(`call config.load() before deleting values`);if(!M.has(t))throw Error(`invalid config location param: `+t);let{data:n,raw:r}=this.data.get(t);delete n[e],[`global`,`user`,`project`].includes(t)&&delete r[e],this.data.get(t)[I]=null,this.#n=null}async load(){if(this.loaded)throw Error(`attempting to load npm config multiple times`);this.loadDefaults(),await this.loadBuiltinConfig(),this.loadCLI(),this.loadEnv(),await this.loadProjectConfig(),await this.loadUserConfig(),await this.loadGlobalConfig(),this.#e=!0,this.globalPrefix=this.get(`prefix`),this.setEnvs()}loadDefaults(){this.loadGlobalPrefix(),this.loadHome();let t={...this.defaults,prefix:this.globalPrefix};try{t[`npm-version`]=e(p(this.npmPath,`package.json`)).version}catch{}this.#o(t,`default`,`default values`);let{data:n}=this.data.get(`default`);Object.defineProperty(n,"globalconfig",{get:()=>l(this.#i(`prefix`),`etc/npmrc`),set(e){Object.defineProperty(n,"globalconfig",{value:e,configurable:!0,writable:!0,enumerable:!0})},configurable:!0,enumerable:!0})}loadHome(){this.home=this.env.HOME||m()}loadGlobalPrefix(){if(this.globalPrefix)throw Error(`cannot load default global prefix more than once`);this.env.PREFIX?this.globalPrefix=this.env.PREFIX:this.platform===`win32`?this.globalPrefix=f(this.execPath):(this.globalPrefix=f(f(this.execPath)),this.env.DESTDIR&&(this.globalPrefix=p(this.env.DESTDIR,this.globalPrefix)))}loadEnv(){let e=Object.create(null);for(let[t,n]of Object.entries(this.env)){if(!/^npm_config_/i.test(t)||n===``)continue;let r=t.slice(11);r.startsWith(`//`)||(r=r.replace(/(?!^)_/g,`-`).toLowerCase()),e[r]=n}this.#o(e,`env`,`environment`)}loadCLI(){for(let e of Object.keys(this.shorthands))e.length>1&&this.argv.includes(`-${e}`)&&s.warn(`-${e} is not a valid single-hyphen cli flag and will be removed in the future`);o.invalidHandler=(e,t,n)=>this.invalidHandler(e,t,n,`command line options`,`cli`),o.unknownHandler=(e,t)=>this.unknownHandler(e,t),o.abbrevHandler=this.abbrevHandler;let e=o(this.types,this.shorthands,this.argv);o.invalidHandler=null,o.unknownHandler=null,this.parsedArgv=e.argv,delete e.argv,this.#o(e,`cli`,`command line options`)}get valid(){for(let[e,{valid:t}]of this.data.entries())if(t===!1||t===null&&!this.validate(e))return!1;return!0}validate(e){if(e){let t=this.data.get(e);return t[I]=!0,o.invalidHandler=(n,r,i)=>this.invalidHandler(n,r,i,t.source,e),o.clean(t.data,this.types,T),o.invalidHandler=null,t[I]}{let e=!0,t=[];for(let n of this.data.keys()){if(n==="default"||n===`builtin`||n===`cli`)continue;let r=this.validate(n);if(e&&=r,[`global`,`user`,`project`].includes(n)){for(let e of[`_authtoken`,`-authtoken`])this.get(e,n)&&t.push({action:`delete`,key:e,where:n});let e=E(this.get(`registry`));for(let r of[`_auth`,`_authToken`,`username`,`_password`])this.get(r,n)&&(r===`username`&&!this.get(`_password`,n)||r===`_password`&&!this.get(`username`,n)?t.push({action:`delete`,key:r,where:n}):t.push({action:`rename`,from:r,to:`${e}:${r}`,where:n}))}}if(t.length){let{ErrInvalidAuth:e}=N();throw new e(t)}return e}}repair(e){if(!e)try{this.validate()}catch(t){if(t.code!==`ERR_INVALID_AUTH`)throw t;e=t.problems}finally{e||=[]}for(let t of e)if(t.action===`delete`)this.delete(t.key,t.where);else if(t.action===`rename`){let e=this.data.get(t.where).raw?.[t.from],n=this.get(t.from,t.where);this.set(t.to,e||n,t.where),this.delete(t.from,t.where)}}isDefault(e){let[t,...n]=[...M],r=this.data.get(t).data;return w(r,e)&&n.every(t=>{let n=this.data.get(t).data;return!w(n,e)})}invalidHandler(e,t,n,r,i){let a=pe();s.warn(`invalid config`,e+`=`+JSON.stringify(t),`set in ${r}`),this.data.get(i)[I]=!1,Array.isArray(n)&&(n.includes(T.url.type)?n=T.url.type:n.includes(T.path.type)&&(n=T.path.type));let o=a(n),c=o.filter(e=>e!==void 0&&e!==Array),l=`Must be`+this.#a(c,o),u=c.length===1?c[0]:[...new Set(c.map(e=>typeof e==`string`?e:JSON.stringify(e)))].join(`, `);s.warn(`invalid config`,l,u)}abbrevHandler(e,t){s.warn(`Expanding --${e} to --${t}. This will stop working in the next major version of npm.`)}unknownHandler(e,t){t&&this.queueWarning(`unknown:${t}`,`"${t}" is being parsed as a normal command line argument.`)}#a(e,t){let n;return n=e.length===1&&t.includes(Array)?` one or more`:e.length>1&&t.includes(Array)?` one or more of:`:e.length>1?` one of:`:``,n}#o(e,t,n,r=null){let i=this.data.get(t);if(i.source){let e=`double-loading "${t}" configs from ${n}, previously loaded from ${i.source}`;throw Error(e)}if(this.sources.has(n)){let e=`double-loading config "${n}" as "${t}", previously loaded as "${this.sources.get(n)}"`;throw Error(e)}if(i.source=n,this.sources.set(n,t),r)i.loadError=r,r.code!==`ENOENT`&&s.verbose(`config`,`error loading ${t} config`,r);else{i.raw=e;outer:for(let[n,r]of Object.entries(e)){let e=D(n,this.env),a=this.parseField(r,e);if(t!=="default"&&(this.#s(e),this.definitions[n]?.exclusive)){for(let e of this.definitions[n].exclusive)if(!this.isDefault(e)){if(t===`env`){let t=this.data.get(`cli`).data;if(Object.hasOwn(t,e))continue outer}throw TypeError(`--${n} cannot be provided when using --${e}`)}}(t!=="default"||n===`npm-version`)&&this.checkUnknown(t,n),i.data[e]=a}}}checkUnknown(e,t){if(!this.definitions[t]){if(x.includes(t))return;let n=e===`cli`?``:" See `npm help npmrc` for supported config options.";if(!t.includes(`:`)){this.queueWarning(t,`Unknown ${e} config "${e===`cli`?`--`:``}${t}". This will stop working in the next major version of npm.${n}`);return}let r=t.split(`:`).pop();!this.definitions[r]&&!this.nerfDarts.includes(r)&&this.queueWarning(r,`Unknown ${e} config "${r}" (${t}). This will stop working in the next major version of npm.${n}`)}}#s(e){this.deprecated[e]&&s.warn(`config`,e,this.deprecated[e])}parseField(e,t,n=!1){return k(e,t,this,n)}async#c(e,t){s.silly(`config`,`load:file:${e}`),await h(e,`utf8`).then(n=>{let r=a.parse(n);return t===`project`&&r.prefix&&s.error(`config`,`prefix cannot be changed from project config: ${e}.`),this.#o(r,t,e)},n=>this.#o(null,t,e,n))}loadBuiltinConfig(){return this.#c(l(this.npmPath,`npmrc`),`builtin`)}async loadProjectConfig(){if(await this.loadLocalPrefix(),this.localPackage??=await S(this.localPrefix,`package.json`),this.#i(`global`)===!0||this.#i(`location`)===`global`){this.data.get(`project`).source=`(global mode enabled, ignored)`,this.sources.set(this.data.get(`project`).source,`project`);return}let e=l(this.localPrefix,`.npmrc`);if(e!==this.#i(`userconfig`))return this.#c(e,`project`);this.data.get(`project`).source=`(same as "user" config, ignored)`,this.sources.set(this.data.get(`project`).source,`project`)}async loadLocalPrefix(){let e=this.#i(`prefix`,`cli`);if(e){this.localPrefix=e;return}let t=this.#i(`workspaces`,`cli`),n=this.#i(`global`)||this.#i(`location`)===`global`;for(let e of r(this.cwd)){if(this.excludeNpmCwd&&e===this.npmPath)break;let r=await S(e,`package.json`);if(!this.localPrefix&&(r||await C(e,`node_modules`))){if(this.localPrefix=e,this.localPackage=r,t===!1||n)return}else if(this.localPrefix&&r){let{content:t}=await Q().normalize(e).catch(()=>({content:{}}));if(!t?.workspaces)continue;let n=await We()({cwd:e,pkg:t});for(let t of n.values())if(t===this.localPrefix){await S(this.localPrefix,`.npmrc`)&&s.warn(`config`,`ignoring workspace config at ${this.localPrefix}/.npmrc`);let{data:t}=this.data.get(`default`);t.workspace=[this.localPrefix],this.localPrefix=e,this.localPackage=r,s.info(`config`,`found workspace root at ${this.localPrefix}`);return}}}this.localPrefix||=this.cwd}loadUserConfig(){return this.#c(this.#i(`userconfig`),`user`)}loadGlobalConfig(){return this.#c(this.#i(`globalconfig`),`global`)}async save(e){if(!this.loaded)throw Error(`call config.load() before saving`);if(!j.has(e))throw Error(`invalid config location param: `+e);let t=this.data.get(e);if(t[F]=null,e===`user`){let e=E(this.get(`registry`)),t=this.get(`${e}:email`,`user`);t&&(this.delete(`${e}:email`,`user`),this.set(`email`,t,`user`))}let n=a.stringify(t.raw).trim()+`
`;if(!n.trim()){await v(t.source).catch(()=>{});return}let r=f(t.source);await b(r,{recursive:!0}),await g(t.source,n,`utf8`);let i=e===`user`?384:438;await _(t.source,i)}clearCredentialsByURI(e,t=`user`){let n=E(e);if(E(this.get(`registry`))===n){this.delete(`-authtoken`,t),this.delete(`_authToken`,t),this.delete(`_authtoken`,t),this.delete(`_auth`,t),this.delete(`_password`,t),this.delete(`username`,t);let e=this.get(`${n}:email`,t);e&&this.set(`email`,e,t)}this.delete(`${n}:_authToken`,t),this.delete(`${n}:_auth`,t),this.delete(`${n}:_password`,t),this.delete(`${n}:username`,t),this.delete(`${n}:email`,t),this.delete(`${n}:certfile`,t),this.delete(`${n}:keyfile`,t)}setCredentialsByURI(e,{token:t,username:n,password:r,certfile:i,keyfile:a}){let o=E(e);if(this.delete(`${o}:always-auth`,`user`),this.delete(`${o}:email`,`user`),i&&a&&(this.set(`${o}:certfile`,i,`user`),this.set(`${o}:keyfile`,a,`user`)),t)this.set(`${o}:_authToken`,t,`user`),this.delete(`${o}:_password`,`user`),this.delete(`${o}:username`,`user`);else if(n||r){if(!n)throw Error(`must include username`);if(!r)throw Error(`must include password`);this.delete(`${o}:_authToken`,`user`),this.set(`${o}:username`,n,`user`);let e=Buffer.from(r,`utf8`).toString(`base64`);this.set(`${o}:_password`,e,`user`)}else if(!i||!a)throw Error(`No credentials to set.`)}getCredentialsByURI(e){let t=E(e),n=E(this.get(`registry`)),r={},i=this.get(`${t}:email`)||this.get(`email`);i&&(t===n&&this.set(`email`,i,`user`),r.email=i);let a=this.get(`${t}:certfile`),o=this.get(`${t}:keyfile`);a&&o&&(r.certfile=a,r.keyfile=o);let s=this.get(`${t}:_authToken`);if(s)return r.token=s,r;let c=this.get(`${t}:username`),l=this.get(`${t}:_password`);if(c&&l){r.username=c,r.password=Buffer.from(l,`base64`).toString(`utf8`);let e=`${r.username}:${r.password}`;return r.auth=Buffer.from(e,`utf8`).toString(`base64`),r}let u=this.get(`${t}:_auth`);if(u){let e=Buffer.from(u,`base64`).toString(`utf8`).split(`:`);return r.username=e.shift(),r.password=e.join(`:`),r.auth=u,r}return r}setEnvs(){A(this)}removeWarning(e){this.#r=this.#r.filter(t=>t.type!==e)}getUnknownPositionals(){return this.#r.filter(e=>e.type.startsWith(`unknown:`)).map(e=>e.type.slice(8))}removeUnknownPositional(e){this.removeWarning(`unknown:${e}`)}queueWarning(e,...t){this.warn?s.warn(...t):this.#r.push({type:e,args:t})}logWarnings(){for(let e of this.#r)s.warn(...e.args);this.#r=[]}};let F=Symbol(`loadError`),I=Symbol(`valid`);var L=class{#e;#t=null;#n=null;constructor(e){this.#e=Object.create(e&&e.data),this.#n={},this[I]=!0}get data(){return this.#e}get valid(){return this[I]}set source(e){if(this.#t)throw Error(`cannot set ConfigData source more than once`);this.#t=e}get source(){return this.#t}set loadError(e){if(this[F]||Object.keys(this.#n).length)throw Error(`cannot set ConfigData loadError after load`);this[F]=e}get loadError(){return this[F]}set raw(e){if(Object.keys(this.#n).length||this[F])throw Error(`cannot set ConfigData raw after load`);this.#n=e}get raw(){return this.#n}};let R=e=>{let t={},n={},r={};for(let[i,a]of Object.entries(e))n[i]=a.default,t[i]=a.type,a.deprecated&&(r[i]=a.deprecated.trim().replace(/\n +/,`
`));return{types:t,defaults:n,deprecated:r}};n.exports=P,n.exports.getTypesFromDefinitions=R})),Ke=t((e=>{let t=y(),n=process.env;Object.defineProperty(e,"_vendors",{value:t.map(function(e){return e.constant})}),e.name=null,e.isPR=null,e.id=null,n.CI!==`false`&&t.forEach(function(t){let n=(Array.isArray(t.env)?t.env:[t.env]).every(function(e){return r(e)});e[t.constant]=n,n&&(e.name=t.name,e.isPR=i(t),e.id=t.constant)}),e.isCI=!!(n.CI!==`false`&&(n.BUILD_ID||n.BUILD_NUMBER||n.CI||n.CI_APP_ID||n.CI_BUILD_ID||n.CI_BUILD_NUMBER||n.CI_NAME||n.CONTINUOUS_INTEGRATION||n.RUN_ID||e.name));function r(e){return typeof e==`string`?!!n[e]:`env`in e?n[e.env]&&n[e.env].includes(e.includes):`any`in e?e.any.some(function(e){return!!n[e]}):Object.keys(e).every(function(t){return n[t]===e[t]})}function i(e){switch(typeof e.pr){case`string`:return!!n[e.pr];case`object`:return`env`in e.pr?`any`in e.pr?e.pr.any.some(function(t){return n[e.pr.env]===t}):e.pr.env in n&&n[e.pr.env]!==e.pr.ne:`any`in e.pr?e.pr.any.some(function(e){return!!n[e]}):r(e.pr);default:return null}}})),qe=t(((t,n)=>{let r=E(),i=h(),a=Ke(),o=e(`node:querystring`),{join:s}=e(`node:path`),c=process.platform===`win32`,{readFileSync:l}=e(`node:fs`),u=e=>{try{return l(e,`utf8`)}catch(e){if(e.code!==`ENOENT`)throw e;return null}},d=e=>{let t=e.include||[],n=e.omit||[],r=e.only;return/^prod(uction)?$/.test(r)||e.production?n.push(`dev`):e.production===!1&&t.push(`dev`),/^dev/.test(e.also)&&t.push(`dev`),e.dev&&t.push(`dev`),e.optional===!1?n.push(`optional`):e.optional===!0&&t.push(`optional`),e.omit=[...new Set(n)].filter(e=>!t.includes(e)),e.include=[...new Set(t)],e.omit.includes(`dev`)&&(process.env.NODE_ENV=`production`),e.omit},f=process.env.EDITOR||process.env.VISUAL||(c?`${process.env.SYSTEMROOT}\\notepad.exe`:`vi`),p=c?process.env.ComSpec||`cmd`:process.env.SHELL||`sh`,{networkInterfaces:m}=e(`node:os`),g=()=>{try{return Object.values(m()).map(e=>e.map(({address:e})=>e)).reduce((e,t)=>e.concat(t),[null])}catch{return[null]}},_=/UTF-?8$/i.test(process.env.LC_ALL||process.env.LC_CTYPE||process.env.LANG),v=`${c&&process.env.LOCALAPPDATA||`~`}/${c?`npm-cache`:`.npm`}`,{semver:{type:y},Umask:{type:b},url:{type:x},path:{type:S}}=X(),C=(e,t,n)=>{let r=e.replace(/-([a-z])/g,(e,t)=>t.toUpperCase());n[r]=t[e]},w={_auth:new r(`_auth`,{default:null,type:[null,String],description:`
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
  `,flatten:C}),cache:new r(`cache`,{default:v,defaultDescription:"\n      Windows: `%LocalAppData%\\npm-cache`, Posix: `~/.npm`\n    ",type:S,description:`
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
    `,flatten:C}),"https-proxy":new r(`https-proxy`,{default:null,type:[null,x],description:"\n      A proxy to use for outgoing https requests. If the `HTTPS_PROXY` or\n      `https_proxy` or `HTTP_PROXY` or `http_proxy` environment variables\n      are set, proxy settings will be honored by the underlying\n      `make-fetch-happen` library.\n    ",flatten:C}),"if-present":new r(`if-present`,{default:!1,type:Boolean,envExport:!1,description:`
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
    `}),"init-author-url":new r(`init-author-url`,{default:``,type:[``,x],hint:`<url>`,description:`
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
    `}),"init-version":new r(`init-version`,{default:`1.0.0`,type:y,hint:`<version>`,description:`
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
    `}),"init.author.url":new r(`init.author.url`,{default:``,type:[``,x],deprecated:`
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
    `}),"init.version":new r(`init.version`,{default:`1.0.0`,type:y,deprecated:`
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
    `}),"local-address":new r(`local-address`,{default:null,type:g(),typeDescription:`IP Address`,description:`
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
    `,flatten:C}),proxy:new r(`proxy`,{default:null,type:[null,!1,x],description:"\n      A proxy to use for outgoing http requests. If the `HTTP_PROXY` or\n      `http_proxy` environment variables are set, proxy settings will be\n      honored by the underlying `request` library.\n    ",flatten:C}),"read-only":new r(`read-only`,{default:!1,type:Boolean,description:`
      This is used to mark a token as unable to publish when configuring
      limited access tokens with the \`npm token create\` command.
    `,flatten:C}),"rebuild-bundle":new r(`rebuild-bundle`,{default:!0,type:Boolean,description:`
      Rebuild bundled dependencies after installation.
    `,flatten:C}),registry:new r(`registry`,{default:`https://registry.npmjs.org/`,type:x,description:`
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
    `}),umask:new r(`umask`,{default:0,type:b,description:`
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
    `,flatten:C}),unicode:new r(`unicode`,{default:_,defaultDescription:"\n      false on windows, true on mac/unix systems with a unicode locale, as\n      defined by the `LC_ALL`, `LC_CTYPE`, or `LANG` environment variables.\n    ",type:Boolean,description:`
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
    `})};n.exports=w})),Je=t(((t,n)=>{let{URL:r}=e(`node:url`);function i(e){try{let n=new r(e).pathname.slice(1);if(!n.match(/^-/)){n=n.split(`/`);var t=n.indexOf(`_rewrite`);return t===-1?t=n.length-1:t++,decodeURIComponent(n[t])}}catch{}}var a=class extends Error{constructor(e,t,n,r){super(),this.name=this.constructor.name,this.headers=typeof t.headers?.raw==`function`?t.headers.raw():t.headers,this.statusCode=t.status,this.code=`E${t.status}`,this.method=e,this.uri=t.url,this.body=n,this.pkgid=r?r.toString():i(t.url),Error.captureStackTrace(this,this.constructor)}};n.exports={HttpErrorBase:a,HttpErrorGeneral:class extends a{constructor(e,t,n,r){super(e,t,n,r),this.message=`${t.status} ${t.statusText} - ${this.method.toUpperCase()} ${this.spec||this.uri}${n&&n.error?` - `+n.error:``}`}},HttpErrorAuthOTP:class extends a{constructor(e,t,n,r){super(e,t,n,r),this.message=`OTP required for authentication`,this.code=`EOTP`}},HttpErrorAuthIPAddress:class extends a{constructor(e,t,n,r){super(e,t,n,r),this.message=`Login is not allowed from your IP address`,this.code=`EAUTHIP`}},HttpErrorAuthUnknown:class extends a{constructor(e,t,n,r){super(e,t,n,r),this.message=`Unable to authenticate, need: `+t.headers.get(`www-authenticate`)}}}})),Ye=t(((t,n,r)=>{var i=r&&r.__importDefault||function(e){return e&&e.__esModule?e:{default:e}};Object.defineProperty(t,"__esModule",{value:!0}),t.constants=void 0;let a=i(e(`zlib`)).default.constants||{ZLIB_VERNUM:4736};t.constants=Object.freeze(Object.assign(Object.create(null),{Z_NO_FLUSH:0,Z_PARTIAL_FLUSH:1,Z_SYNC_FLUSH:2,Z_FULL_FLUSH:3,Z_FINISH:4,Z_BLOCK:5,Z_OK:0,Z_STREAM_END:1,Z_NEED_DICT:2,Z_ERRNO:-1,Z_STREAM_ERROR:-2,Z_DATA_ERROR:-3,Z_MEM_ERROR:-4,Z_BUF_ERROR:-5,Z_VERSION_ERROR:-6,Z_NO_COMPRESSION:0,Z_BEST_SPEED:1,Z_BEST_COMPRESSION:9,Z_DEFAULT_COMPRESSION:-1,Z_FILTERED:1,Z_HUFFMAN_ONLY:2,Z_RLE:3,Z_FIXED:4,Z_DEFAULT_STRATEGY:0,DEFLATE:1,INFLATE:2,GZIP:3,GUNZIP:4,DEFLATERAW:5,INFLATERAW:6,UNZIP:7,BROTLI_DECODE:8,BROTLI_ENCODE:9,Z_MIN_WINDOWBITS:8,Z_MAX_WINDOWBITS:15,Z_DEFAULT_WINDOWBITS:15,Z_MIN_CHUNK:64,Z_MAX_CHUNK:1/0,Z_DEFAULT_CHUNK:16384,Z_MIN_MEMLEVEL:1,Z_MAX_MEMLEVEL:9,Z_DEFAULT_MEMLEVEL:8,Z_MIN_LEVEL:-1,Z_MAX_LEVEL:9,Z_DEFAULT_LEVEL:-1,BROTLI_OPERATION_PROCESS:0,BROTLI_OPERATION_FLUSH:1,BROTLI_OPERATION_FINISH:2,BROTLI_OPERATION_EMIT_METADATA:3,BROTLI_MODE_GENERIC:0,BROTLI_MODE_TEXT:1,BROTLI_MODE_FONT:2,BROTLI_DEFAULT_MODE:0,BROTLI_MIN_QUALITY:0,BROTLI_MAX_QUALITY:11,BROTLI_DEFAULT_QUALITY:11,BROTLI_MIN_WINDOW_BITS:10,BROTLI_MAX_WINDOW_BITS:24,BROTLI_LARGE_MAX_WINDOW_BITS:30,BROTLI_DEFAULT_WINDOW:22,BROTLI_MIN_INPUT_BLOCK_BITS:16,BROTLI_MAX_INPUT_BLOCK_BITS:24,BROTLI_PARAM_MODE:0,BROTLI_PARAM_QUALITY:1,BROTLI_PARAM_LGWIN:2,BROTLI_PARAM_LGBLOCK:3,BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING:4,BROTLI_PARAM_SIZE_HINT:5,BROTLI_PARAM_LARGE_WINDOW:6,BROTLI_PARAM_NPOSTFIX:7,BROTLI_PARAM_NDIRECT:8,BROTLI_DECODER_RESULT_ERROR:0,BROTLI_DECODER_RESULT_SUCCESS:1,BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:2,BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:3,BROTLI_DECODER_PARAM_DISABLE_RING_BUFFER_REALLOCATION:0,BROTLI_DECODER_PARAM_LARGE_WINDOW:1,BROTLI_DECODER_NO_ERROR:0,BROTLI_DECODER_SUCCESS:1,BROTLI_DECODER_NEEDS_MORE_INPUT:2,BROTLI_DECODER_NEEDS_MORE_OUTPUT:3,BROTLI_DECODER_ERROR_FORMAT_EXUBERANT_NIBBLE:-1,BROTLI_DECODER_ERROR_FORMAT_RESERVED:-2,BROTLI_DECODER_ERROR_FORMAT_EXUBERANT_META_NIBBLE:-3,BROTLI_DECODER_ERROR_FORMAT_SIMPLE_HUFFMAN_ALPHABET:-4,BROTLI_DECODER_ERROR_FORMAT_SIMPLE_HUFFMAN_SAME:-5,BROTLI_DECODER_ERROR_FORMAT_CL_SPACE:-6,BROTLI_DECODER_ERROR_FORMAT_HUFFMAN_SPACE:-7,BROTLI_DECODER_ERROR_FORMAT_CONTEXT_MAP_REPEAT:-8,BROTLI_DECODER_ERROR_FORMAT_BLOCK_LENGTH_1:-9,BROTLI_DECODER_ERROR_FORMAT_BLOCK_LENGTH_2:-10,BROTLI_DECODER_ERROR_FORMAT_TRANSFORM:-11,BROTLI_DECODER_ERROR_FORMAT_DICTIONARY:-12,BROTLI_DECODER_ERROR_FORMAT_WINDOW_BITS:-13,BROTLI_DECODER_ERROR_FORMAT_PADDING_1:-14,BROTLI_DECODER_ERROR_FORMAT_PADDING_2:-15,BROTLI_DECODER_ERROR_FORMAT_DISTANCE:-16,BROTLI_DECODER_ERROR_DICTIONARY_NOT_SET:-19,BROTLI_DECODER_ERROR_INVALID_ARGUMENTS:-20,BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES:-21,BROTLI_DECODER_ERROR_ALLOC_TREE_GROUPS:-22,BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MAP:-25,BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_1:-26,BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_2:-27,BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES:-30,BROTLI_DECODER_ERROR_UNREACHABLE:-31},a))})),Xe=t((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.MinipassSized=e.SizeError=void 0;let t=G(),n=e=>typeof e==`string`;var r=class extends Error{expect;found;code=`EBADSIZE`;constructor(e,t,n){super(`Bad data size: expected ${t} bytes, but got ${e}`),this.expect=t,this.found=e,Error.captureStackTrace(this,n??this.constructor)}get name(){return`SizeError`}};e.SizeError=r,e.MinipassSized=class extends t.Minipass{found=0;expect;constructor(e){let t=e?.size;if(typeof t!=`number`||t>2**53-1||isNaN(t)||t<0||!isFinite(t)||t!==Math.floor(t))throw Error(`invalid expected size: `+t);if(super(e),e.objectMode)throw TypeError(`${this.constructor.name} streams only work with string and buffer data`);this.expect=t}write(e,t,i){let a=Buffer.isBuffer(e)?e:typeof e==`string`?Buffer.from(e,n(t)?t:`utf8`):e;return typeof t==`function`&&(i=t,t=null),Buffer.isBuffer(a)?(this.found+=a.length,this.found>this.expect&&this.emit(`error`,new r(this.found,this.expect)),super.write(e,t,i)):(this.emit(`error`,TypeError(`${this.constructor.name} streams only work with string and buffer data`)),!1)}emit(e,...t){return e===`end`&&this.found!==this.expect&&this.emit(`error`,new r(this.found,this.expect,this.emit)),super.emit(e,...t)}}})),Ze=t(((e,t)=>{let{Minipass:n}=G(),r=Symbol(`type`),i=Symbol(`buffer`);var a=class e{constructor(t,n){this[r]=``;let a=[],o=0;if(t){let n=t,r=Number(n.length);for(let t=0;t<r;t++){let r=n[t],s=r instanceof Buffer?r:ArrayBuffer.isView(r)?Buffer.from(r.buffer,r.byteOffset,r.byteLength):r instanceof ArrayBuffer?Buffer.from(r):r instanceof e?r[i]:typeof r==`string`?Buffer.from(r):Buffer.from(String(r));o+=s.length,a.push(s)}}this[i]=Buffer.concat(a,o);let s=n&&n.type!==void 0&&String(n.type).toLowerCase();s&&!/[^\u0020-\u007E]/.test(s)&&(this[r]=s)}get size(){return this[i].length}get type(){return this[r]}text(){return Promise.resolve(this[i].toString())}arrayBuffer(){let e=this[i],t=e.byteOffset,n=e.byteLength,r=e.buffer.slice(t,t+n);return Promise.resolve(r)}stream(){return new n().end(this[i])}slice(t,n,r){let a=this.size,o=t===void 0?0:t<0?Math.max(a+t,0):Math.min(t,a),s=n===void 0?a:n<0?Math.max(a+n,0):Math.min(n,a),c=Math.max(s-o,0),l=this[i].slice(o,o+c),u=new e([],{type:r});return u[i]=l,u}get[Symbol.toStringTag](){return`Blob`}static get BUFFER(){return i}};Object.defineProperties(a.prototype,{size:{enumerable:!0},type:{enumerable:!0}}),t.exports=a})),Qe=t(((e,t)=>{t.exports=class extends Error{constructor(e,t,n){super(e),this.code=`FETCH_ERROR`,n&&Object.assign(this,n),this.errno=this.code,this.type=this.code===`EBADSIZE`&&this.found>this.expect?`max-size`:t,this.message=e,Error.captureStackTrace(this,this.constructor)}get name(){return`FetchError`}set name(e){}get[Symbol.toStringTag](){return`FetchError`}}})),$e=t(((t,n)=>{let{URL:r}=e(`url`),i=e(`http`),a=e(`https`),o=xe(),{Minipass:s}=G(),{writeToStream:c,getTotalBytes:l}=b(),u=w(),d=C(),{createHeadersLenient:f}=d,p=v(),{getNodeRequestOptions:m}=p,h=Qe(),g=be(),_=async(e,t)=>{if(/^data:/.test(e)){let n=new p(e,t);return Promise.resolve().then(()=>new Promise((t,i)=>{let a,o;try{let{pathname:t,search:n}=new r(e),i=t.split(`,`);if(i.length<2)throw Error(`invalid data: URI`);let s=i.shift(),c=/;base64$/.test(s);a=c?s.slice(0,-7):s;let l=decodeURIComponent(i.join(`,`)+n);o=c?Buffer.from(l,`base64`):Buffer.from(l)}catch(e){return i(new h(`[${n.method}] ${n.url} invalid URL, ${e.message}`,`system`,e))}let{signal:s}=n;if(s&&s.aborted)return i(new g(`The user aborted a request.`));let c={"Content-Length":o.length};return a&&(c[`Content-Type`]=a),t(new u(o,{headers:c}))}))}return new Promise((n,v)=>{let y=new p(e,t),b;try{b=m(y)}catch(e){return v(e)}let x=(b.protocol===`https:`?a:i).request,{signal:S}=y,C=null,w=()=>{let e=new g(`The user aborted a request.`);v(e),s.isStream(y.body)&&typeof y.body.destroy==`function`&&y.body.destroy(e),C&&C.body&&C.body.emit(`error`,e)};if(S&&S.aborted)return w();let T=()=>{w(),E()},E=()=>{D.abort(),S&&S.removeEventListener(`abort`,T),clearTimeout(O)},D=x(b);S&&S.addEventListener(`abort`,T);let O=null;y.timeout&&D.once(`socket`,()=>{O=setTimeout(()=>{v(new h(`network timeout at: ${y.url}`,`request-timeout`)),E()},y.timeout)}),D.on(`error`,e=>{D.res&&D.res.emit(`error`,e),v(new h(`request to ${y.url} failed, reason: ${e.message}`,`system`,e)),E()}),D.on(`response`,e=>{clearTimeout(O);let t=f(e.headers);if(_.isRedirect(e.statusCode)){let i=t.get(`Location`),a=null;try{a=i===null?null:new r(i,y.url).toString()}catch{if(y.redirect!==`manual`){v(new h(`uri requested responds with an invalid redirect URL: ${i}`,`invalid-redirect`)),E();return}}if(y.redirect===`error`){v(new h(`uri requested responds with a redirect, redirect mode is set to error: ${y.url}`,`no-redirect`)),E();return}if(y.redirect===`manual`){if(a!==null)try{t.set(`Location`,a)}catch(e){v(e)}}else if(y.redirect===`follow`&&a!==null){if(y.counter>=y.follow){v(new h(`maximum redirect reached at: ${y.url}`,`max-redirect`)),E();return}if(e.statusCode!==303&&y.body&&l(y)===null){v(new h(`Cannot follow redirect with body being a readable stream`,`unsupported-redirect`)),E();return}y.headers.set(`host`,new r(a).host);let t={headers:new d(y.headers),follow:y.follow,counter:y.counter+1,agent:y.agent,compress:y.compress,method:y.method,body:y.body,signal:y.signal,timeout:y.timeout},i=new r(y.url),o=new r(a);i.hostname!==o.hostname&&(t.headers.delete(`authorization`),t.headers.delete(`cookie`)),(e.statusCode===303||(e.statusCode===301||e.statusCode===302)&&y.method===`POST`)&&(t.method=`GET`,t.body=void 0,t.headers.delete(`content-length`)),n(_(new p(a,t))),E();return}}e.once(`end`,()=>S&&S.removeEventListener(`abort`,T));let i=new s;i.on(`error`,E),e.on(`error`,e=>i.emit(`error`,e)),e.on(`data`,e=>i.write(e)),e.on(`end`,()=>i.end());let a={url:y.url,status:e.statusCode,statusText:e.statusMessage,headers:t,size:y.size,timeout:y.timeout,counter:y.counter,trailer:new Promise(t=>e.on(`end`,()=>t(f(e.trailers))))},c=t.get(`Content-Encoding`);if(!y.compress||y.method===`HEAD`||c===null||e.statusCode===204||e.statusCode===304){C=new u(i,a),n(C);return}let m={flush:o.constants.Z_SYNC_FLUSH,finishFlush:o.constants.Z_SYNC_FLUSH};if(c===`gzip`||c===`x-gzip`){let e=new o.Gunzip(m);C=new u(i.on(`error`,t=>e.emit(`error`,t)).pipe(e),a),n(C)}else if(c===`deflate`||c===`x-deflate`)e.once(`data`,e=>{let t=(e[0]&15)==8?new o.Inflate:new o.InflateRaw;i.on(`error`,e=>t.emit(`error`,e)).pipe(t),C=new u(t,a),n(C)});else if(c===`br`){try{var g=new o.BrotliDecompress}catch(e){v(e),E();return}i.on(`error`,e=>g.emit(`error`,e)).pipe(g),C=new u(g,a),n(C)}else C=new u(i,a),n(C)}),c(D,y)})};n.exports=_,_.isRedirect=e=>e===301||e===302||e===303||e===307||e===308,_.Headers=d,_.Request=p,_.Response=u,_.FetchError=h,_.AbortError=g})),et=t(((e,t)=>{let n=`regex`,r=`path`;t.exports={TYPE_REGEX:n,TYPE_URL:`url`,TYPE_PATH:r,NPM_SECRET:{type:n,pattern:/\b(npms?_)[a-zA-Z0-9]{36,48}\b/gi,replacement:`[REDACTED_NPM_SECRET]`},AUTH_HEADER:{type:n,pattern:/\b(Basic\s+|Bearer\s+)[\w+=\-.]+\b/gi,replacement:`[REDACTED_AUTH_HEADER]`},JSON_WEB_TOKEN:{type:n,pattern:/\b[A-Za-z0-9-_]{10,}(?!\.\d+\.)\.[A-Za-z0-9-_]{3,}\.[A-Za-z0-9-_]{20,}\b/gi,replacement:`[REDACTED_JSON_WEB_TOKEN]`},UUID:{type:n,pattern:/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,replacement:`[REDACTED_UUID]`},URL_MATCHER:{type:n,pattern:/(?:https?|ftp):\/\/[^\s/"$.?#].[^\s"]*/gi,replacement:`[REDACTED_URL]`},DEEP_HEADER_AUTHORIZATION:{type:r,predicate:({path:e})=>e.endsWith(`.headers.authorization`),replacement:`[REDACTED_HEADER_AUTHORIZATION]`},DEEP_HEADER_SET_COOKIE:{type:r,predicate:({path:e})=>e.endsWith(`.headers.set-cookie`),replacement:`[REDACTED_HEADER_SET_COOKIE]`},DEEP_HEADER_COOKIE:{type:r,predicate:({path:e})=>e.endsWith(`.headers.cookie`),replacement:`[REDACTED_HEADER_COOKIE]`},REWRITE_REQUEST:{type:r,predicate:({path:e})=>e.endsWith(`.request`),replacement:e=>({method:e?.method,path:e?.path,headers:e?.headers,url:e?.url})},REWRITE_RESPONSE:{type:r,predicate:({path:e})=>e.endsWith(`.response`),replacement:e=>({data:e?.data,status:e?.status,headers:e?.headers})}}})),tt=t(((e,t)=>{let n=et(),{redactUrlPassword:r}=ue(),i=e=>typeof e!=`string`||!e?e:r(e,`***`).replace(n.NPM_SECRET.pattern,`npm_***`).replace(n.UUID.pattern,`***`),a=e=>{let t=/[\s=]/g,n=null,r=``,a=0;for(;n=t.exec(e);)r+=i(e.slice(a,n.index))+n[0],a=t.lastIndex;return r+i(e.slice(a))};t.exports={redact:i,redactLog:e=>typeof e==`string`?a(e):Array.isArray(e)?e.map(e=>typeof e==`string`?a(e):e):e}})),nt=t(((t,n)=>{let r=e(`dns`),i=[`if-modified-since`,`if-none-match`,`if-unmodified-since`,`if-match`,`if-range`];n.exports=e=>{let{strictSSL:t,...n}={...e};if(n.method=n.method?n.method.toUpperCase():`GET`,n.rejectUnauthorized=t==null?process.env.NODE_TLS_REJECT_UNAUTHORIZED!==`0`:t!==!1,!n.retry)n.retry={retries:0};else if(typeof n.retry==`string`){let e=parseInt(n.retry,10);n.retry=isFinite(e)?{retries:e}:{retries:0}}else n.retry=typeof n.retry==`number`?{retries:n.retry}:{retries:0,...n.retry};return n.dns={ttl:3e5,lookup:r.lookup,...n.dns},n.cache=n.cache||`default`,n.cache==="default"&&Object.keys(n.headers||{}).some(e=>i.includes(e.toLowerCase()))&&(n.cache=`no-store`),n.cacheAdditionalHeaders=n.cacheAdditionalHeaders||[],n.cacheManager&&!n.cachePath&&(n.cachePath=n.cacheManager),n}})),rt=t((e=>{Object.defineProperty(e,"__esModule",{value:!0}),e.format=o,e.parse=s;let t=/^[\u0009\u0020-\u007e\u0080-\u00ff]*$/,n=/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,r=/[\\"]/g,i=/^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,a=(()=>{let e=function(){};return e.prototype=Object.create(null),e})();function o(e){let{type:t,parameters:r}=e;if(!t||!i.test(t))throw TypeError(`Invalid type: ${t}`);let a=t;if(r)for(let e of Object.keys(r)){if(!n.test(e))throw TypeError(`Invalid parameter name: ${e}`);a+=`; ${e}=${p(r[e])}`}return a}function s(e,t){let n=t?.comma===!0?c:65536,r=e.length,i=d(e,t?.start??0,r),o=i;i=u(e,i,r,n);let s=f(e,o,i),p=e.slice(o,s).toLowerCase();return t?.parameters===!1?{type:p,index:i,parameters:new a}:l(e,p,i,r,n)}let c=44;function l(e,t,n,r,i){let o=new a;parameter:for(;n<r&&e.charCodeAt(n)!==i;){n=d(e,n+1,r);let t=n;for(;n<r;){let a=e.charCodeAt(n);if(a===i)break parameter;if(a===59)continue parameter;if(a===61){let a=f(e,t,n),s=e.slice(t,a).toLowerCase();if(n=d(e,n+1,r),n<r&&e.charCodeAt(n)===34){n++;let t=``;for(;n<r;){let a=e.charCodeAt(n++);if(a===34){n=u(e,n,r,i),o[s]===void 0&&(o[s]=t);break}t+=a===92&&n<r?e[n++]:String.fromCharCode(a)}continue parameter}let c=n;if(n=u(e,n,r,i),o[s]===void 0){let t=f(e,c,n);o[s]=e.slice(c,t)}continue parameter}n++}}return{type:t,index:n,parameters:o}}function u(e,t,n,r){for(;t<n;){let n=e.charCodeAt(t);if(n===59||n===r)break;t++}return t}function d(e,t,n){for(;t<n;){let n=e.charCodeAt(t);if(n!==32&&n!==9)break;t++}return t}function f(e,t,n){for(;n>t;){let t=e.charCodeAt(n-1);if(t!==32&&t!==9)break;n--}return n}function p(e){if(n.test(e))return e;if(t.test(e))return`"${e.replace(r,`\\$&`)}"`;throw TypeError(`Invalid parameter value: ${e}`)}})),$=t(((e,t)=>{let{Minipass:n}=G(),r=Symbol(`_data`),i=Symbol(`_length`);t.exports=class extends n{constructor(e){super(e),this[r]=[],this[i]=0}write(e,t,n){typeof t==`function`&&(n=t,t=`utf8`),t||=`utf8`;let a=Buffer.isBuffer(e)?e:Buffer.from(e,t);return this[r].push(a),this[i]+=a.length,n&&n(),!0}end(e,t,n){typeof e==`function`&&(n=e,e=null),typeof t==`function`&&(n=t,t=`utf8`),e&&this.write(e,t);let a=Buffer.concat(this[r],this[i]);return super.write(a),super.end(n)}};var a=class extends n{constructor(e){super(e),this[r]=[],this[i]=0}write(e,t,n){typeof t==`function`&&(n=t,t=`utf8`),t||=`utf8`;let a=Buffer.isBuffer(e)?e:Buffer.from(e,t);return this[r].push(a),this[i]+=a.length,super.write(e,t,n)}end(e,t,n){typeof e==`function`&&(n=e,e=null),typeof t==`function`&&(n=t,t=`utf8`),e&&this.write(e,t);let a=Buffer.concat(this[r],this[i]);return this.emit(`collect`,a),super.end(n)}};t.exports.PassThrough=a})),it=t(((t,n)=>{let{join:r,sep:i}=e(`path`),a=ie(),{mkdir:o,mkdtemp:s,rm:c}=e(`fs/promises`);n.exports=async(e,t,n)=>{let l=a(n,{copy:[`tmpPrefix`]});await o(e,{recursive:!0});let u=await s(r(`${e}${i}`,l.tmpPrefix||``)),d,f;try{f=await t(u)}catch(e){d=e}try{await c(u,{force:!0,recursive:!0})}catch{}if(d)throw d;return f}})),at=t(((t,n)=>{let r=se()[`cache-version`].content,i=re(),a=e(`path`),o=S();n.exports=s;function s(e,t){let n=o.parse(t,{single:!0});return a.join(c(e),n.algorithm,...i(n.hexDigest()))}n.exports.contentDir=c;function c(e){return a.join(e,`content-v${r}`)}})),ot=t(((e,t)=>{let n=B(),r=V(),i=ne(),a=_(),{PassThrough:o}=$(),s=we(),c=e=>({algorithms:[`sha512`],...e});t.exports=l;async function l(e,t,a,o={}){let{memoize:s}=o;o=c(o);let l=await i(e,a,o),u=await n.insert(e,t,l.integrity,{...o,size:l.size});return s&&r.put(e,u,a,o),l.integrity}t.exports.stream=u;function u(e,t,l={}){let{memoize:u}=l;l=c(l);let d,f,p,m,h=new s;if(u){let e=new o().on(`collect`,e=>{m=e});h.push(e)}let g=i.stream(e,l).on(`integrity`,e=>{d=e}).on(`size`,e=>{f=e}).on(`error`,e=>{p=e});return h.push(g),h.push(new a({async flush(){if(!p){let i=await n.insert(e,t,d,{...l,size:f});u&&m&&r.put(e,i,m,l),h.emit(`integrity`,d),h.emit(`size`,f)}}})),h}})),st=t(((t,n)=>{let{rm:r}=e(`fs/promises`),i=g(),a=B(),o=V(),s=e(`path`),c=Se();n.exports=l,n.exports.entry=l;function l(e,t,n){return o.clearMemoized(),a.delete(e,t,n)}n.exports.content=u;function u(e,t){return o.clearMemoized(),c(e,t)}n.exports.all=d;async function d(e){o.clearMemoized();let t=await i(s.join(e,`*(content-*|index-*)`),{silent:!0,nosort:!0});return Promise.all(t.map(e=>r(e,{recursive:!0,force:!0})))}})),ct=t(((e,t)=>{let n=ye(),r=ot(),i=st(),a=le(),{clearMemoized:o}=V(),s=ae(),c=B();t.exports.index={},t.exports.index.compact=c.compact,t.exports.index.insert=c.insert,t.exports.ls=c.ls,t.exports.ls.stream=c.lsStream,t.exports.get=n,t.exports.get.byDigest=n.byDigest,t.exports.get.stream=n.stream,t.exports.get.stream.byDigest=n.stream.byDigest,t.exports.get.copy=n.copy,t.exports.get.copy.byDigest=n.copy.byDigest,t.exports.get.info=n.info,t.exports.get.hasContent=n.hasContent,t.exports.put=r,t.exports.put.stream=r.stream,t.exports.rm=i.entry,t.exports.rm.all=i.all,t.exports.rm.entry=t.exports.rm,t.exports.rm.content=i.content,t.exports.clearMemoized=o,t.exports.tmp={},t.exports.tmp.mkdir=s.mkdir,t.exports.tmp.withTmp=s.withTmp,t.exports.verify=a,t.exports.verify.lastRun=a.lastRun})),lt=t(((e,t)=>{let n=te(),r=e=>{let t=parseInt(e.family??`0`,10),r=e.keepAlive??!0,i={keepAliveMsecs:r?1e3:void 0,maxSockets:e.maxSockets??15,maxTotalSockets:1/0,maxFreeSockets:r?256:void 0,scheduling:`fifo`,...e,family:t,keepAlive:r,timeouts:{idle:e.timeout??0,connection:0,response:0,transfer:0,...e.timeouts},...n.getOptions({family:t,...e.dns})};return delete i.timeout,delete i.headers,i},i=e=>{let t=``,n=Object.entries(e).sort((e,t)=>e[0]-t[0]);for(let[e,r]of n)r==null?r=`null`:r instanceof URL?r=r.toString():typeof r==`object`&&(r=i(r)),t+=`${e}:${r}:`;return t};t.exports={normalizeOptions:r,cacheOptions:({secureEndpoint:e,...t})=>i({secureEndpoint:!!e,family:t.family,hints:t.hints,localAddress:t.localAddress,strictSsl:e?!!t.rejectUnauthorized:!1,ca:e?t.ca:null,cert:e?t.cert:null,key:e?t.key:null,keepAlive:t.keepAlive,keepAliveMsecs:t.keepAliveMsecs,maxSockets:t.maxSockets,maxTotalSockets:t.maxTotalSockets,maxFreeSockets:t.maxFreeSockets,scheduling:t.scheduling,timeouts:t.timeouts,proxy:t.proxy})}})),ut=t(((e,t,r)=>{var i=r&&r.__importDefault||function(e){return e&&e.__esModule?e:{default:e}};Object.defineProperty(e,"__esModule",{value:!0}),e.parseProxyResponse=void 0;let a=(0,i(n()).default)(`https-proxy-agent:parse-proxy-response`);function o(e){return new Promise((t,n)=>{let r=0,i=[];function o(){let t=e.read();t?u(t):e.once(`readable`,o)}function s(){e.removeListener(`end`,c),e.removeListener(`error`,l),e.removeListener(`readable`,o)}function c(){s(),a(`onend`),n(Error(`Proxy connection ended before receiving CONNECT response`))}function l(e){s(),a(`onerror %o`,e),n(e)}function u(c){i.push(c),r+=c.length;let l=Buffer.concat(i,r),u=l.indexOf(`\r
\r
`);if(u===-1){a(`have not received end of HTTP headers yet...`),o();return}let d=l.slice(0,u).toString(`ascii`).split(`\r
`),f=d.shift();if(!f)return e.destroy(),n(Error(`No header received from proxy CONNECT response`));let p=f.split(` `),m=+p[1],h=p.slice(2).join(` `),g={};for(let t of d){if(!t)continue;let r=t.indexOf(`:`);if(r===-1)return e.destroy(),n(Error(`Invalid header from proxy CONNECT response: "${t}"`));let i=t.slice(0,r).toLowerCase(),a=t.slice(r+1).trimStart(),o=g[i];typeof o==`string`?g[i]=[o,a]:Array.isArray(o)?o.push(a):g[i]=a}a(`got proxy server response: %o %o`,f,g),s(),t({connect:{statusCode:m,statusText:h,headers:g},buffered:l})}e.on(`error`,l),e.on(`end`,c),o()})}e.parseProxyResponse=o})),dt=t(((e,t)=>{t.exports={InvalidProxyProtocolError:class extends Error{constructor(e){super(`Invalid protocol \`${e.protocol}\` connecting to proxy \`${e.host}\``),this.code=`EINVALIDPROXY`,this.proxy=e}},ConnectionTimeoutError:class extends Error{constructor(e){super(`Timeout connecting to host \`${e}\``),this.code=`ECONNECTIONTIMEOUT`,this.host=e}},IdleTimeoutError:class extends Error{constructor(e){super(`Idle timeout reached for host \`${e}\``),this.code=`EIDLETIMEOUT`,this.host=e}},ResponseTimeoutError:class extends Error{constructor(e,t){let n=`Response timeout `;t&&(n+=`from proxy \`${t.host}\` `),n+=`connecting to host \`${e.host}\``,super(n),this.code=`ERESPONSETIMEOUT`,this.proxy=t,this.request=e}},TransferTimeoutError:class extends Error{constructor(e,t){let n=`Transfer timeout `;t&&(n+=`from proxy \`${t.host}\` `),n+=`for \`${e.host}\``,super(n),this.code=`ETRANSFERTIMEOUT`,this.proxy=t,this.request=e}}}})),ft=t(((e,t)=>{t.exports={name:`make-fetch-happen`,version:`15.0.6`,description:`Opinionated, caching, retrying fetch client`,main:`lib/index.js`,files:[`bin/`,`lib/`],scripts:{test:`tap`,posttest:`npm run lint`,eslint:`eslint "**/*.{js,cjs,ts,mjs,jsx,tsx}"`,lint:`npm run eslint`,lintfix:`npm run eslint -- --fix`,postlint:`template-oss-check`,snap:`tap`,"template-oss-apply":`template-oss-apply --force`},repository:{type:`git`,url:`git+https://github.com/npm/make-fetch-happen.git`},keywords:[`http`,`request`,`fetch`,`mean girls`,`caching`,`cache`,`subresource integrity`],author:`GitHub Inc.`,license:`ISC`,dependencies:{"@gar/promise-retry":`^1.0.0`,"@npmcli/agent":`^4.0.0`,"@npmcli/redact":`^4.0.0`,cacache:`^20.0.1`,"http-cache-semantics":`^4.1.1`,minipass:`^7.0.2`,"minipass-fetch":`^5.0.0`,"minipass-flush":`^1.0.5`,"minipass-pipeline":`^1.2.4`,negotiator:`^1.0.0`,"proc-log":`^6.0.0`,ssri:`^13.0.0`},devDependencies:{"@npmcli/eslint-config":`^5.0.0`,"@npmcli/template-oss":`4.25.0`,nock:`^13.2.4`,"safe-buffer":`^5.2.1`,"standard-version":`^9.3.2`,tap:`^16.0.0`},engines:{node:`^20.17.0 || >=22.9.0`},tap:{color:1,files:`test/*.js`,"check-coverage":!0,timeout:60,"nyc-arg":[`--exclude`,`tap-snapshots/**`]},templateOSS:{"//@npmcli/template-oss":`This file is partially managed by @npmcli/template-oss. Edits may be overwritten.`,version:`4.25.0`,publish:`true`}}})),pt=t(((e,t)=>{let{FetchError:n,Headers:r,Request:i,Response:a}=$e(),o=nt(),s=oe(),c=(e,t)=>{let n=o(t),r=new i(e,n);return s(r,n)};c.defaults=(e,t={},n=c)=>{typeof e==`object`&&(t=e,e=null);let r=(r,i={})=>n(r||e,{...t,...i,headers:{...t.headers,...i.headers}});return r.defaults=(e,t={})=>c.defaults(e,t,r),r},t.exports=c,t.exports.FetchError=n,t.exports.Headers=r,t.exports.Request=i,t.exports.Response=a})),mt=t(((e,t)=>{let n=T(),{Minipass:r}=G();var i=class extends Error{constructor(e,t){super(e.message),Error.captureStackTrace(this,t||this.constructor)}get name(){return`JSONStreamError`}};let a=(e,t)=>typeof e==`string`?String(t)===e:e&&typeof e.test==`function`?e.test(t):typeof e==`boolean`||typeof e==`object`?e:typeof e==`function`&&e(t);t.exports=class e extends r{#e=0;#t=!1;#n=null;#r=null;#i=null;#a;#o;#s=null;#c=null;constructor(e){super({...e,objectMode:!0});let t=this.#o=new n;t.onValue=e=>this.#f(e),this.#a=t.onToken,t.onToken=(e,t)=>this.#d(e,t),t.onError=e=>this.#u(e),this.#s=typeof e.path==`string`?e.path.split(`.`).map(e=>e===`$*`?{emitKey:!0}:e===`*`?!0:e===``?{recurse:!0}:e):Array.isArray(e.path)&&e.path.length?e.path:null,typeof e.map==`function`&&(this.#i=e.map)}#l(e,t){this.#r!==!1&&(this.#r=this.#r||{},this.#r[e]=t),this.#n!==!1&&this.#r===!1&&(this.#n=this.#n||{},this.#n[e]=t)}#u(e){let t=this.#t?this.end:this.write;return this.#t=!1,this.emit(`error`,new i(e,t))}#d(e,t){let n=this.#o;if(this.#a.call(this.#o,e,t),n.stack.length===0&&this.#c){let e=this.#c;this.#s||super.write(e),this.#c=null,this.#e=0}}#f(e){let t=this.#o;if(this.#c=e,!this.#s)return;let n=0,r=0,i=!1;for(;n<this.#s.length;){let o=this.#s[n];if(r++,o&&!o.recurse){let s=r===t.stack.length?t:t.stack[r];if(!s)return;if(!a(o,s.key)){this.#l(s.key,e);return}i=!!o.emitKey,n++}else{if(n++,n>=this.#s.length)return;let i=this.#s[n];if(!i)return;for(;;){let o=r===t.stack.length?t:t.stack[r];if(!o)return;if(a(i,o.key)){n++,Object.isFrozen(t.stack[r])||(t.stack[r].value=null);break}this.#l(o.key,e),r++}}}if(this.#r){let e=this.#r;this.#r=!1,this.emit(`header`,e)}if(r!==t.stack.length)return;this.#e++;let o=t.stack.slice(1).map(e=>e.key).concat([t.key]);if(e!=null){let n=this.#i?this.#i(e,o):e;if(n!=null){let e=i?{value:n}:n;i&&(e.key=t.key),super.write(e)}}t.value&&delete t.value[t.key];for(let e of t.stack)e.value=null}write(e,t){if(typeof e==`string`)e=Buffer.from(e,t);else if(!Buffer.isBuffer(e))return this.emit(`error`,TypeError(`Can only parse JSON from string or buffer input`));return this.#o.write(e),this.flowing}end(e,t){this.#t=!0,e&&this.write(e,t);let n=this.#r;this.#r=null;let r=this.#n;return this.#n=null,n&&this.emit(`header`,n),r&&this.emit(`footer`,r),super.end()}static get JSONStreamError(){return i}static parse(t,n){return new e({path:t,map:n})}}}));export{Ne as A,Oe as B,He as C,Ie as D,Le as E,je as F,Ee as H,Ae as I,ke as L,X as M,Me as N,Fe as O,J as P,q as R,Ue as S,Re as T,De as V,Xe as _,ut as a,qe as b,at as c,rt as d,tt as f,Ze as g,Qe as h,dt as i,Z as j,Pe as k,it as l,$e as m,pt as n,lt as o,et as p,ft as r,ct as s,mt as t,$ as u,Ye as v,ze as w,Ge as x,Je as y,K as z};
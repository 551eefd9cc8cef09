@echo off
rem Starts Calendar Companion by a double click: finds Python, sets up the first time, opens the app.
setlocal
cd /d "%~dp0"
title Calendar Companion

:look
set "PYTHON="
call :try py -3
call :try python
call :try python3
call :try "%LocalAppData%\Programs\Python\Launcher\py.exe" -3
for /d %%D in ("%LocalAppData%\Programs\Python\Python3*" "%ProgramFiles%\Python3*") do call :try "%%~D\python.exe"
if defined PYTHON goto start

echo.
echo Calendar Companion needs Python 3.11 or newer, and this computer has none.
echo.
where winget >nul 2>nul
if errorlevel 1 goto byhand
if defined OFFERED goto byhand
set "OFFERED=yes"
echo Windows can install it now, for you alone:
echo     winget install --exact --id Python.Python.3.13 --scope user
choice /c YN /m "Install Python"
if errorlevel 2 goto byhand
winget install --exact --id Python.Python.3.13 --scope user
goto look

:byhand
echo Install it from https://www.python.org/downloads/
echo (tick "Add python.exe to PATH" there), then start Calendar Companion again.
echo.
pause
exit /b 1

:start
%PYTHON% run.py start %*
if not errorlevel 1 exit /b 0
echo.
pause
exit /b 1

:try
if defined PYTHON exit /b 0
%* -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul
if not errorlevel 1 set PYTHON=%*
exit /b 0
